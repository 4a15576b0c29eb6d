// What a probe's noise in the density of a policy's proposals does to their
// weights: a linear velocity of six dimensions, whose density is known, towards
// a Gaussian target.
#include "test/rl/algorithms/gaussian_policy.h"
#include "test/support/algorithm_runner.h"
#include <gtest/gtest.h>

namespace phlox::rl {
namespace {

constexpr int64_t kSize = 6, kRows = 150, kCount = 64;

// into the target's axes and back: a reflection, so that traces of its matrices
// have terms off the diagonal, which are a probe's noise
Tensor turned(const Tensor &x) {
  return x - 2 * expand(mean(x, Axes{-1}), x.rank() - 1);
}

// of the target along its axes: .1 to .3, inside the box
Tensor deviations(const Tensor &like) {
  return iota(like.trace(), {kSize}, 0, Element::real) * .04 + .1;
}

// the exact flow from N(0, kBase^2 I) to the target at `width` times its size
FlowProposal policy_of(double width, const EntropySettings &entropy) {
  FlowProposal policy;
  policy.policy = [width](const Tensor &) {
    return velocity_flow(
        [width](const Tensor &x, const Tensor &t) {
          Tensor variance = square(deviations(x) * width);
          Tensor pull = t * variance - (1 - t) * (kBase * kBase);
          Tensor spread =
              square(t) * variance + square(1 - t) * (kBase * kBase);
          return turned(pull / spread * turned(x));
        },
        "midpoint");
  };
  policy.action_size = kSize;
  policy.steps = 4;
  policy.entropy = entropy;
  return policy;
}

struct Found {
  double ess, moment; // share of K; mean second moment over the target's
};

Found weigh(double width, double box_share, const EntropySettings &entropy) {
  auto outputs = test::run_traced([&](Entry &e) {
    Key key(e.count(3), e.count(0), "f");
    Tensor obs = fill(e.scalar(0), {kRows, 1}, 0);
    FlowProposal policy = policy_of(width, entropy);
    Candidates drawn =
        box_share > 0 ? mixture_candidates(policy, obs, kCount, box_share, key)
                      : policy_candidates(policy, obs, kCount, key);
    Tensor own = turned(drawn.actions) / deviations(obs); // (B, K, A)
    Tensor square_of = mean(square(own), Axes{-1});       // (B, K)
    Tensor w =
        importance(square_of * (-.5 * kSize), drawn, e.scalar(1)).weights;
    e.output("ess", mean(ess(w)) / kCount);
    e.output("moment", mean(sum(w * square_of, 1)));
  });
  return {outputs.at("ess").reals[0], outputs.at("moment").reals[0]};
}

const EntropySettings kExact{"div", "exact", "sign", 1, 0};
EntropySettings probes(int64_t count) {
  return {"div", "hutchinson", "sign", count, 0};
}

// noise that does not depend on the action cancels in weights that sum to 1; it
// costs samples
TEST(ProposalTrace, AProbeCostsAPolicySamplesButNoBias) {
  Found exact = weigh(1, 0, kExact), one = weigh(1, 0, probes(1));
  EXPECT_NEAR(exact.ess, .998, .01);
  EXPECT_NEAR(exact.moment, 1, .015);
  EXPECT_NEAR(one.ess, .58, .03);
  EXPECT_NEAR(one.moment, 1, .025);
}

// in a mixture it does not: E 1 / (q e^noise + b) grows with q / b, so that one
// probe's weights favour what the policy, here narrower than the target,
// already does. With 4096 candidates .93 instead of 1 remain of the moment.
TEST(ProposalTrace, AProbeBiasesAMixtureTowardsItsPolicy) {
  Found exact = weigh(.7, .5, kExact), one = weigh(.7, .5, probes(1)),
        four = weigh(.7, .5, probes(4));
  EXPECT_NEAR(exact.moment, .952, .035);
  EXPECT_NEAR(exact.moment - one.moment, .075, .03);
  EXPECT_NEAR(exact.moment - four.moment, .019, .015);
  EXPECT_GT(exact.ess, one.ess);
}

} // namespace
} // namespace phlox::rl
