// Reverse sampling against quadrature, and the identities that let one
// regression stand for K.
#include "rl/algorithms/critic.h"
#include "rl/algorithms/posterior.h"
#include "test/support/algorithm_runner.h"
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::rl {
namespace {

struct Row {
  double x, t, base, action, velocity, sd, ess;
};

// Q = 2 a - 3 a^2, alpha = 0.5, K = 100: quadrature, and averages over 20,000
// repetitions (sd of the mean action, mean effective sample size)
const Row kRows[] = {{.2, .6, .5, .332514, .331284, .0191, 83.8},
                     {-.7, .3, .5, .177963, 1.254233, .0445, 24.8},
                     {.5, .95, .5, .524725, .494505, .0026, 99.6},
                     {0, .05, .5, .324986, .342090, .0291, 50.3},
                     {1.2, .1, .5, .369526, -.922749, .0270, 58.5},
                     {.2, .6, 1, .328853, .322133, .0242, 65.2},
                     {-.7, .3, 1, .287653, 1.410933, .0315, 43.6},
                     {.5, .95, 1, .520107, .402145, .0051, 98.6}};

class Posteriors : public testing::TestWithParam<Row> {};

TEST_P(Posteriors, MeanActionSpreadAndSampleSize) {
  const Row &row = GetParam();
  constexpr int64_t count = 1500;
  auto outputs = test::run_traced([&](Entry &e) {
    Tensor x = fill(e.scalar(0), {count, 1}, row.x);
    Tensor t = fill(e.scalar(0), {count, 1}, row.t);
    Key key(e.count(11), e.count(0), "f");
    Posterior found = reverse_sample(x, t, e.scalar(.5), 100, row.base, key,
                                     [](const Tensor &a) {
                                       Tensor flat = sum(a, -1);
                                       return 2 * flat - 3 * square(flat);
                                     });
    Tensor action = sum(found.action, -1), centre = mean(action);
    e.output("action", centre);
    e.output("velocity", mean(found.velocity));
    e.output("sd", sqrt(mean(square(action - centre))));
    e.output("ess", mean(ess(found.weights)));
    e.output("sum", mean(sum(found.weights, 1)));
    e.output("largest", amax(abs(sum(found.actions, -1)), {0, 1}));
  });
  auto value = [&](const char *name) { return outputs.at(name).reals[0]; };
  // weights normalised by themselves are off by up to 3.5e-3
  double noise = 4 * row.sd / std::sqrt(double(count));
  EXPECT_NEAR(value("action"), row.action, noise + 4e-3);
  EXPECT_NEAR(value("velocity"), row.velocity, (noise + 4e-3) / (1 - row.t));
  EXPECT_NEAR(value("sd"), row.sd, .1 * row.sd);
  EXPECT_NEAR(value("ess"), row.ess, 1.5);
  EXPECT_NEAR(value("sum"), 1, 1e-9);
  EXPECT_LE(value("largest"), 1);
}

INSTANTIATE_TEST_SUITE_P(Points, Posteriors, testing::ValuesIn(kRows));

TEST(Posterior, OneRegressionHasTheGradientOfK) {
  constexpr int64_t B = 4, K = 5, A = 2;
  auto outputs = test::run_traced([&](Entry &e) {
    Tensor x = e.input("x", {B, A}), w = e.input("w", {A, A});
    Tensor actions = e.input("actions", {B, K, A});
    Tensor weights = softmax(e.input("q", {B, K}), 1);
    Tensor v = tanh(matmul(x, w));
    Tensor centre = sum(expand(weights, 2) * actions, 1);
    Tensor one = sum(square(v - centre));
    Tensor all = sum(expand(weights, 2) * square(expand(v, 1) - actions));
    e.output("one", grad(one, {w})[0]);
    e.output("all", grad(all, {w})[0]);
    // K tangents, weighted, against the weighted tangent
    Tensor tangents = fill(x, {B, A}, 0);
    for (int64_t k = 0; k < K; ++k) {
      Tensor a = reshape(slice(actions, {0, k, 0}, {B, 1, A}), {B, A});
      tangents = tangents + slice(weights, {0, k}, {B, 1}) * jvp(v, {x}, {a});
    }
    e.output("sum of jvp", tangents);
    e.output("jvp of sum", jvp(v, {x}, {centre}));
    e.output("difference of losses", all - one);
  });
  EXPECT_LE(test::distance(outputs.at("one"), outputs.at("all")), 1e-10);
  EXPECT_LE(test::distance(outputs.at("sum of jvp"), outputs.at("jvp of sum")),
            1e-10);
  EXPECT_GT(outputs.at("difference of losses").reals[0], .1);
}

TEST(Posterior, BestCandidateAndQuantiles) {
  auto outputs = test::run_traced(
      [](Entry &e) {
        Tensor x = e.input("x", {5});
        e.output("least", quantile_of(x, 0));
        e.output("median", quantile_of(x, .5));
        e.output("p95", quantile_of(x, .95));
        e.output("best", best_candidate(e.input("actions", {2, 3, 1}),
                                        e.input("scores", {2, 3})));
      },
      {{"x", {3, 1, 2, 2, 7}},
       {"actions", {10, 11, 12, 20, 21, 22}},
       {"scores", {0, 5, 5, 9, 1, 2}}});
  EXPECT_EQ(outputs.at("least").reals[0], 1);
  EXPECT_EQ(outputs.at("median").reals[0], 2);
  EXPECT_EQ(outputs.at("p95").reals[0], 3);
  EXPECT_THAT(outputs.at("best").reals, testing::ElementsAre(11, 20));
}

} // namespace
} // namespace phlox::rl
