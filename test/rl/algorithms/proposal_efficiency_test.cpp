// How much the proposals are worth (section T14): effective sample sizes
// towards a Gaussian target, and the bias of a policy that is too narrow.
#include "rl/algorithms/candidates.h"
#include "test/rl/algorithms/gaussian_policy.h"
#include "test/support/algorithm_runner.h"
#include "test/support/gaussian_ess.h"
#include <cmath>
#include <gtest/gtest.h>

namespace phlox::rl {
namespace {

using test::Tensors;

// -log of N(0, kTarget^2) up to a constant, of candidates (B, K, 1)
Tensor score(const Tensor &actions, double std = kTarget) {
  return sum(square(actions), -1) * (-.5 / (std * std));
}

struct Found {
  double ess, moment, moment_sd; // share of K; second moment over the target's
};

// what each row's own weights make of it: (B)
struct Estimate {
  Tensor ess, moment;
};

Estimate estimate(const Candidates &drawn, const Tensor &alpha, double std) {
  Importance found = importance(score(drawn.actions, std), drawn, alpha);
  Tensor moment =
      sum(found.weights * sum(square(drawn.actions), -1), 1) / (std * std);
  return {ess(found.weights), moment};
}

// averages over rows of `count` candidates
Found average(int64_t rows, int64_t count,
              const std::function<Estimate(const Tensor &obs, const Key &,
                                           const Tensor &alpha)> &make) {
  Tensors outputs = test::run_traced([&](Entry &e) {
    Key key(e.count(3), e.count(0), "f");
    auto [ess, moment] =
        make(fill(e.scalar(0), {rows, 1}, 0), key, e.scalar(1));
    e.output("ess", mean(ess) / count);
    e.output("moment", mean(moment));
    e.output("sd", sqrt(mean(square(moment - mean(moment)))));
  });
  auto number = [&](const char *name) { return outputs.at(name).reals[0]; };
  return {number("ess"), number("moment"), number("sd")};
}

Found average(
    int64_t rows, int64_t count,
    const std::function<Candidates(const Tensor &obs, const Key &)> &propose,
    double std = kTarget) {
  return average(rows, count,
                 [&](const Tensor &obs, const Key &key, const Tensor &alpha) {
                   return estimate(propose(obs, key), alpha, std);
                 });
}

Found box(int64_t rows, int64_t count, double std = kTarget) {
  return average(
      rows, count,
      [&](const Tensor &, const Key &key) {
        return box_candidates({rows, count, 1}, key);
      },
      std);
}

// the target `off` its middle
Found gaussian(int64_t rows, int64_t count, double std, double off = 0) {
  return average(rows, count, [&](const Tensor &, const Key &key) {
    Candidates drawn = gaussian_candidates({rows, count, 1}, std, key);
    return Candidates{drawn.actions - off, drawn.log_density};
  });
}

Found mixture(int64_t rows, int64_t count, double width, double share) {
  return average(rows, count, [&](const Tensor &obs, const Key &key) {
    return mixture_candidates(gaussian_policy(width * kTarget), obs, count,
                              share, key);
  });
}

// half of them from the policy and half from the box, each half with weights
// of its own, the two averaged by their measured sizes
Found parts(int64_t rows, int64_t count, double width) {
  return average(
      rows, count, [&](const Tensor &obs, const Key &key, const Tensor &alpha) {
        Estimate own =
            estimate(policy_candidates(gaussian_policy(width * kTarget), obs,
                                       count / 2, key),
                     alpha, kTarget);
        Estimate wide =
            estimate(box_candidates({rows, count / 2, 1}, key), alpha, kTarget);
        Tensor size = own.ess + wide.ess;
        return Estimate{size,
                        (own.ess * own.moment + wide.ess * wide.moment) / size};
      });
}

// section T14's closed forms, which the LQR study is held against
TEST(ProposalEfficiency, ClosedForms) {
  constexpr double s = 0.7750910194;
  auto one = [](double variance) { return envs::Matrix(1, 1, {variance}); };
  auto gaussian = [&](double width, double off) {
    return test::ess_of_gaussian(one(s * s), one(width * width * s * s), {off});
  };
  EXPECT_NEAR(gaussian(2, 0), 0.661438, 5e-7);
  EXPECT_NEAR(gaussian(2, s), 0.573386, 5e-7);
  EXPECT_NEAR(gaussian(.75, 0), 0.628539, 5e-7);
  EXPECT_EQ(gaussian(.7, 0), 0);
  EXPECT_NEAR(test::ess_of_box(one(s * s), 6), 0.457938, 5e-7);
  EXPECT_NEAR(test::ess_of_box(one(s * s), 12), 0.228969, 5e-7);
  EXPECT_NEAR(test::ess_of_gaussian({2, 2, {.04, .01, .01, .09}},
                                    {2, 2, {.09, 0, 0, .16}}, {.1, 0}),
              0.68518267, 5e-9);
  for (auto [width, share, wanted] : {std::tuple{.5, .1, .385},
                                      {.5, .25, .503},
                                      {.5, .5, .533},
                                      {1, .1, .937},
                                      {1, .25, .832},
                                      {1, .5, .645}})
    EXPECT_NEAR(
        test::ess_of_mixture(one(s * s), one(width * width * s * s), 12, share),
        wanted, 4e-3)
        << width << " " << share;
}

TEST(ProposalEfficiency, BoxAndGaussian) {
  EXPECT_NEAR(box(32, 4096).ess, 0.228969, .004);
  EXPECT_NEAR(box(32, 4096, 2 * kTarget).ess, 0.457938, .004);
  EXPECT_NEAR(box(1000, 64).ess, .231, .006);
  EXPECT_NEAR(gaussian(32, 4096, 2 * kTarget).ess, 0.661438, .004);
  EXPECT_NEAR(gaussian(1000, 64, 2 * kTarget).ess, .662, .006);
  // with its middle one deviation off the target's
  EXPECT_NEAR(gaussian(1000, 64, 2 * kTarget, kTarget).ess, .574, .006);
  // measured sizes look healthy where the true one is 0.63, or even 0
  EXPECT_NEAR(gaussian(1000, 64, .75 * kTarget).ess, .806, .015);
  EXPECT_NEAR(gaussian(1000, 64, .7 * kTarget).ess, .738, .015);
}

TEST(ProposalEfficiency, Mixtures) {
  struct Row {
    double width, share, ess;
  };
  for (auto [width, share, wanted] : {Row{.5, .1, .385},
                                      {.5, .25, .503},
                                      {.5, .5, .533},
                                      {1, .1, .937},
                                      {1, .25, .832},
                                      {1, .5, .645}})
    EXPECT_NEAR(mixture(8, 1024, width, share).ess, wanted, .025)
        << width << " " << share;
}

// second moments over the target's, mean and standard deviation, by 64
// candidates of a policy of `width` target deviations, of the box, of half of
// each kept apart, and of both as one mixture
TEST(ProposalEfficiency, ANarrowPolicyConfirmsItself) {
  struct Moment {
    double mean, sd;
  };
  struct Row {
    double width;
    Moment policy, box, parts, mixed;
  };
  for (const Row &row :
       {Row{.5, {.669, .442}, {1.039, .250}, {.699, .273}, {.991, .162}},
        Row{1, {1.000, .178}, {1.039, .251}, {1.010, .216}, {1.002, .154}},
        Row{2, {1.007, .143}, {1.034, .248}, {1.026, .183}, {1.013, .174}}}) {
    auto expect = [&](const Found &found, const Moment &wanted) {
      EXPECT_NEAR(found.moment, wanted.mean, 4 * wanted.sd / std::sqrt(400.))
          << row.width;
      // one row in a thousand has all its weight in the tail
      EXPECT_NEAR(found.moment_sd, wanted.sd,
                  (row.width < 1 ? .25 : .15) * wanted.sd);
    };
    expect(average(400, 64,
                   [&](const Tensor &obs, const Key &key) {
                     return policy_candidates(
                         gaussian_policy(row.width * kTarget), obs, 64, key);
                   }),
           row.policy);
    expect(box(400, 64), row.box);
    expect(parts(400, 64, row.width), row.parts);
    expect(mixture(400, 64, row.width, .5), row.mixed);
  }
}

} // namespace
} // namespace phlox::rl
