// Candidates against closed forms: densities, weights, resampling and the
// temperature of an effective sample size.
#include "rl/algorithms/candidates.h"
#include "test/rl/algorithms/gaussian_policy.h"
#include "test/support/algorithm_runner.h"
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::rl {
namespace {

using test::Tensors;

// section T1: Q = 2 a - 3 a^2 at alpha 0.5, candidates at the middles of equal
// cells of the box in place of draws from it
TEST(Candidates, WeightsAreTheTargetItself) {
  constexpr int64_t cells = 4000;
  Tensors outputs = test::run_traced([&](Entry &e) {
    Tensor a =
        (iota(e.trace(), {1, cells, 1}, 1, Element::real) + .5) * (2. / cells) -
        1;
    Tensor q = sum(2 * a - 3 * square(a), -1); // (1, K)
    Importance found =
        importance(q, {a, fill(q, {1, cells}, -std::log(2.))}, e.scalar(.5));
    Tensor w = found.weights, centre = sum(w * sum(a, -1));
    e.output("value", .5 * (found.evidence - std::log(double(cells))));
    e.output("mean", centre);
    e.output("variance", sum(w * square(sum(a, -1) - centre)));
    e.output("q", sum(w * q));
    e.output("entropy", -sum(w * log(w * (cells / 2.))));
  });
  auto number = [&](const char *name) { return outputs.at(name).reals[0]; };
  EXPECT_NEAR(number("value"), 0.1663170799, 2e-6);
  EXPECT_NEAR(number("mean"), 0.3252493968, 2e-6);
  EXPECT_NEAR(number("variance"), 0.0778732667, 2e-6);
  EXPECT_NEAR(number("q"), 0.0995174830, 2e-6);
  EXPECT_NEAR(number("entropy"), 0.1335991937, 2e-6);
}

TEST(Candidates, DensitiesIntegrateToOne) {
  // E_q f / q = integral of f over the box, f = 1 and f = a^2: 4 and 4 / 3
  Tensors outputs = test::run_traced([&](Entry &e) {
    Key key(e.count(5), e.count(0), "f");
    Candidates drawn = gaussian_candidates({1, 40'000, 2}, .6, key);
    Tensor inverse = exp(-drawn.log_density);
    e.output("one", mean(inverse));
    e.output("square", mean(inverse * square(sum(drawn.actions, -1))));
    e.output("largest", amax(abs(drawn.actions), {0, 1, 2}));
  });
  EXPECT_NEAR(outputs.at("one").reals[0], 4, .05);
  EXPECT_NEAR(outputs.at("square").reals[0], 8. / 3, .08);
  EXPECT_LE(outputs.at("largest").reals[0], 1);
}

TEST(Candidates, SurpriseIsTheDensityAtAnyAction) {
  Tensors outputs = test::run_traced(
      [](Entry &e) {
        FlowProposal policy = gaussian_policy(.3);
        Key key(e.count(1), e.count(0), "f");
        Tensor a = e.input("a", {4, 1});
        EntropySettings exact{"div", "exact", "sign", 1, 0};
        e.output("h", surprise_at(policy.policy(a), a, 40, exact, kBase, key));
      },
      {{"a", {-.9, -.2, 0, .7}}});
  const double a[] = {-.9, -.2, 0, .7};
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(outputs.at("h").reals[i],
                .5 * std::log(2 * M_PI * .09) + a[i] * a[i] / .18, 4e-3);
}

TEST(Candidates, ResamplingFollowsTheWeights) {
  constexpr int64_t rows = 2, draws = 64, repeats = 200;
  double share[2][3] = {};
  for (uint64_t seed = 0; seed < repeats; ++seed) {
    Tensors outputs = test::run_traced(
        [&](Entry &e) {
          Key key(e.count(seed), e.count(0), "f");
          e.output("drawn",
                   resample(e.input("values", {rows, 3, 1}),
                            e.input("weights", {rows, 3}), draws, key));
        },
        {{"values", {0, 1, 2, 0, 1, 2}}, {"weights", {.5, 0, .5, .1, .7, .2}}});
    for (int64_t i = 0; i < rows * draws; ++i)
      share[i / draws][int(outputs.at("drawn").reals[i])] +=
          1. / (draws * repeats);
  }
  EXPECT_EQ(share[0][1], 0);
  EXPECT_NEAR(share[0][0], .5, .02);
  EXPECT_NEAR(share[1][0], .1, .015);
  EXPECT_NEAR(share[1][1], .7, .02);
}

TEST(Candidates, TemperatureOfEffectiveSampleSize) {
  const std::vector<double> rows = {0, .5,  -.3, 1.2, -1, .1, .7, -.6,
                                    2, 1.5, 0,   -.5, -1, -2, .3, .9};
  struct Row {
    double share, tau, divergence, law;
  };
  for (auto [share, wanted, divergence, law] :
       {Row{.3, 0.47572689, .9244, 1.1667},
        {.5, 0.82587340, .4720, .5000},
        {.7, 1.36089354, .2165, .2143},
        {.9, 2.85421214, .0566, .0556}}) {
    Tensors outputs = test::run_traced(
        [&](Entry &e) {
          Tensor a = e.input("a", {2, 8});
          Tensor tau = temperature_of_ess(a, share);
          Tensor w = softmax(a / tau, 1);
          e.output("tau", tau);
          e.output("divergence", mean(sum(w * log(w * 8), 1)));
        },
        {{"a", rows}});
    EXPECT_NEAR(std::log(outputs.at("tau").reals[0] / wanted), 0, 2e-6);
    // the trust region that a sample size fixes, and its law for small steps
    EXPECT_NEAR(outputs.at("divergence").reals[0], divergence, 6e-5);
    EXPECT_NEAR((1 / share - 1) / 2, law, 6e-5);
  }
  // nothing reaches it: equal advantages, or a share below 1 / K
  auto end = [&](double spread, double share) {
    return test::run_traced([&](Entry &e) {
             Tensor a = iota(e.trace(), {2, 8}, 1, Element::real) * spread;
             e.output("tau", temperature_of_ess(a, share));
           })
        .at("tau")
        .reals[0];
  };
  EXPECT_NEAR(end(0, .5), 1e-4, 1e-8);
  EXPECT_NEAR(end(1, .1), 1e-4, 1e-8);
  EXPECT_NEAR(end(1e6, .5), 1e3, .1);
}

} // namespace
} // namespace phlox::rl
