// A policy whose density is known.
#pragma once
#include "rl/algorithms/candidates.h"

namespace phlox::rl {

/// The standard deviation of its base, and of the soft-optimal policy of the
/// scalar linear-quadratic task in its box of half-width 6.
constexpr double kBase = .5, kTarget = 0.7750910194 / 6;

/// The exact flow from N(0, kBase^2) to N(0, std^2), of one action.
inline FlowProposal gaussian_policy(double std) {
  FlowProposal policy;
  policy.policy = [std](const Tensor &) {
    return velocity_flow(
        [std](const Tensor &x, const Tensor &t) {
          Tensor pull = t * (std * std) - (1 - t) * (kBase * kBase);
          return pull /
                 (square(t) * (std * std) + square(1 - t) * (kBase * kBase)) *
                 x;
        },
        "midpoint");
  };
  policy.steps = 12;
  policy.entropy.estimator = "logdet";
  policy.entropy.trace = "exact";
  return policy;
}

} // namespace phlox::rl
