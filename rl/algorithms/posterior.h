// Reverse sampling: where the flow to pi* ~ exp(Q / alpha) on the box goes from
// a noisy action, by weighting clean actions that may have led to it.
#pragma once
#include "dsl/program.h"
#include <functional>
#include <optional>

namespace phlox::rl {

/// What reverse sampling found for each row.
struct Posterior {
  Tensor action;   ///< mean clean action (B, A)
  Tensor noise;    ///< mean noise (B, A)
  Tensor velocity; ///< of the straight path, (action - x) / (1 - t) (B, A)
  Tensor weights;  ///< (B, K), sum 1 over K
  Tensor actions;  ///< the K clean actions (B, K, A)
};

/// What a noisy action is made of: x = signal a + noise e, e ~ N(0, 1).
struct Levels {
  Tensor signal, noise; ///< (B, 1), or (B, J, 1) for J actions per row
};

/// Where the noise of proposals comes from.
enum class ProposalNoise {
  truncated, ///< N(0, 1) truncated to the box, inverted in the nearer tail
  one_sided, ///< the same inverted from below: far out, draws are interval ends
  clipped,   ///< N(0, 1), actions that leave the box moved to its faces
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
               const std::function<Tensor(const Tensor &actions)> &score,
               ProposalNoise kind = ProposalNoise::truncated);

/// The same for any path between actions and noise; its velocity stays empty.
/// Other kinds of noise than truncated are those of public code: clipping
/// biases the weighted mean.
///
/// Shapes:  x (B, A), levels (B, 1), alpha (), score: (B, K, A) -> (B, K).
Posterior
reverse_sample(const Tensor &x, const Levels &levels, const Tensor &alpha,
               int64_t proposals, const Key &key,
               const std::function<Tensor(const Tensor &actions)> &score,
               ProposalNoise kind = ProposalNoise::truncated);

/// What weighted noise and its score say about a row in latent space.
struct LatentPosterior {
  Tensor noise;    ///< mean noise (B, A)
  Tensor velocity; ///< of the straight path, (x - base_std noise) / t (B, A)
  Tensor weights;  ///< (B, K), sum 1 over K
  Tensor share;    ///< of the score in the mean, eta (B, A)
};

/// Finds the mean noise in x = t u + (1 - t) base_std e for latents u whose
/// actions tanh u follow exp(score / alpha):
///
///     p(u) = exp(score(tanh u) / alpha) prod (1 - tanh^2 u)
///     e_k ~ N(0, 1), u_k = (x - (1 - t) base_std e_k) / t, w_k ~ p(u_k)
///     g_k = -e_k - (1 - t) base_std / t d/du ln p(u_k)
///     noise = sum_k w_k (e_k + eta g_k)
/// g is the score of e's posterior, whose mean is 0 (Stein), so any eta gives
/// the same expectation: 0 weights noise, 1 gradients. Without `share`, eta has
/// the least asymptotic variance for each row and dimension,
///     eta = -sum w^2 (e - mean e) g / sum w^2 g^2
/// No gradient flows through any of it.
/// Shapes:  x (B, A), t (B, 1), alpha (), score: (B, K, A) -> (B, K).
LatentPosterior
latent_posterior(const Tensor &x, const Tensor &t, const Tensor &alpha,
                 int64_t proposals, double base_std, const Key &key,
                 const std::function<Tensor(const Tensor &actions)> &score,
                 std::optional<double> share = {});

/// Picks each row's best candidate, the first one among equals.
///
/// Shapes:  candidates (B, P, A), scores (B, P) -> (B, A).
Tensor best_candidate(const Tensor &candidates, const Tensor &scores);

/// Returns the element of rank floor(share (B - 1)) of all B, from below.
///
/// Shapes:  x (B) -> ().
Tensor quantile_of(const Tensor &x, double share);

} // namespace phlox::rl
