#include "rl/algorithms/posterior.h"
#include "rl/algorithms/networks.h"
#include <cmath>
#include <numbers>

namespace phlox::rl {
namespace {

// what a mean square is divided by instead of 0
constexpr double smallest = 1e-20;

Tensor draw_noise(const Tensor &lower, const Tensor &upper, const Key &key,
                  ProposalNoise kind) {
  if (kind == ProposalNoise::truncated)
    return key.truncnormal("proposal", lower, upper);
  if (kind == ProposalNoise::clipped)
    return key.normal("proposal", lower.shape());
  constexpr double root = std::numbers::sqrt2;
  Tensor u = key.uniform("proposal", lower.shape());
  Tensor from = erf(lower / root), to = erf(upper / root);
  return max(min(erfinv(from + u * (to - from)) * root, upper), lower);
}

} // namespace

Posterior reverse_sample(const Tensor &x, const Levels &levels,
                         const Tensor &alpha, int64_t proposals, const Key &key,
                         const std::function<Tensor(const Tensor &)> &score,
                         ProposalNoise kind) {
  const auto &[signal, std] = levels; // (B, 1)
  Tensor lower = repeat((x - signal) / std, proposals, 1);
  Tensor upper = repeat((x + signal) / std, proposals, 1);
  Tensor eps = draw_noise(lower, upper, key, kind); // (B, K, A)
  // inside the box by construction: clipping removes rounding only
  Tensor actions =
      clip((expand(x, 1) - expand(std, 1) * eps) / expand(signal, 1), -1, 1);
  // weights need no proposal density: actions were drawn from it
  Tensor weights = softmax(score(actions) / alpha, 1);  // (B, K)
  Tensor action = sum(expand(weights, 2) * actions, 1); // (B, A)
  Tensor noise = sum(expand(weights, 2) * eps, 1);      // (B, A)
  return {stopgradient(action),
          stopgradient(noise),
          {},
          stopgradient(weights),
          stopgradient(actions)};
}

Posterior reverse_sample(const Tensor &x, const Tensor &t, const Tensor &alpha,
                         int64_t proposals, double base_std, const Key &key,
                         const std::function<Tensor(const Tensor &)> &score,
                         ProposalNoise kind) {
  Posterior found = reverse_sample(x, Levels{t, (1 - t) * base_std}, alpha,
                                   proposals, key, score, kind);
  found.velocity = stopgradient((found.action - x) / (1 - t));
  return found;
}

LatentPosterior
latent_posterior(const Tensor &x, const Tensor &t, const Tensor &alpha,
                 int64_t proposals, double base_std, const Key &key,
                 const std::function<Tensor(const Tensor &)> &score,
                 std::optional<double> share) {
  int64_t rows = x.extent(0), size = x.extent(1);
  Tensor eps = key.normal("proposal", {rows, proposals, size}); // (B, K, A)
  Tensor std = (1 - t) * base_std;                              // (B, 1)
  Tensor latents =
      stopgradient((expand(x, 1) - expand(std, 1) * eps) / expand(t, 1));
  Tensor log_p =
      score(tanh(latents)) / alpha + sum(log_tanh_slope(latents), -1); // (B, K)
  Tensor slope = grad(sum(log_p), {latents})[0]; // (B, K, A)
  Tensor g = -eps - expand(std / t, 1) * slope;
  Tensor weights = softmax(log_p, 1);
  Tensor w = expand(weights, 2); // (B, K, 1)
  Tensor centre = sum(w * eps, 1);
  Tensor eta;
  if (share) {
    eta = fill(x, {rows, size}, *share);
  } else {
    Tensor wg = square(w) * g;
    eta =
        -sum(wg * (eps - expand(centre, 1)), 1) / max(sum(wg * g, 1), smallest);
  }
  Tensor noise = centre + eta * sum(w * g, 1);
  return {stopgradient(noise), stopgradient((x - base_std * noise) / t),
          stopgradient(weights), stopgradient(eta)};
}

Tensor best_candidate(const Tensor &candidates, const Tensor &scores) {
  return gather(candidates, argmax(scores, 1));
}

Tensor quantile_of(const Tensor &x, double share) {
  int64_t size = x.extent(0);
  // rank of each element: how many come before it, ties by position
  Tensor own = expand(x, 1), other = expand(x, 0);
  Tensor at = iota(x.trace(), {size, 1}, 0, Element::index);
  Tensor others = iota(x.trace(), {1, size}, 1, Element::index);
  Tensor before = logicalor(compare(Comparison::lt, other, own),
                            logicaland(compare(Comparison::eq, other, own),
                                       compare(Comparison::lt, others, at)));
  Tensor rank = sum(convert(before, Element::real), 1);
  auto wanted = std::floor(share * static_cast<double>(size - 1));
  return sum(select(compare(Comparison::eq, rank, wanted), x, 0));
}

} // namespace phlox::rl
