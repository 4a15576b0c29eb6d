// Reverse sampling: where the flow to pi* ~ exp(Q / alpha) on the box goes from
// a noisy action, by weighting clean actions that may have led to it.
#pragma once
#include "dsl/program.h"
#include <functional>

namespace phlox::rl {

/// What reverse sampling found for each row.
struct Posterior {
  Tensor action;   ///< mean clean action (B, A)
  Tensor velocity; ///< (action - x) / (1 - t) (B, A)
  Tensor weights;  ///< (B, K), sum 1 over K
  Tensor actions;  ///< the K clean actions (B, K, A)
};

/// Draws K clean actions per row from the Gaussian truncated to the box, the
/// other factor of p(a | x), and weights them by exp(score / alpha). No
/// gradient flows through any of it.
///
/// Shapes:  x (B, A), t (B, 1), alpha (), score: (B, K, A) -> (B, K).
/// Source:  self-normalised importance sampling; x = t a + (1 - t) base_std e.
Posterior
reverse_sample(const Tensor &x, const Tensor &t, const Tensor &alpha,
               int64_t proposals, double base_std, const Key &key,
               const std::function<Tensor(const Tensor &actions)> &score);

/// Picks each row's best candidate, the first one among equals.
///
/// Shapes:  candidates (B, P, A), scores (B, P) -> (B, A).
Tensor best_candidate(const Tensor &candidates, const Tensor &scores);

/// Returns the element of rank floor(share (B - 1)) of all B, from below.
///
/// Shapes:  x (B) -> ().
Tensor quantile_of(const Tensor &x, double share);

} // namespace phlox::rl
