#include "rl/algorithms/posterior.h"
#include <cmath>

namespace phlox::rl {

Posterior reverse_sample(const Tensor &x, const Levels &levels,
                         const Tensor &alpha, int64_t proposals, const Key &key,
                         const std::function<Tensor(const Tensor &)> &score,
                         bool truncated) {
  const auto &[signal, std] = levels; // (B, 1)
  Tensor eps;                         // (B, K, A)
  if (truncated) {
    Tensor lower = repeat((x - signal) / std, proposals, 1);
    Tensor upper = repeat((x + signal) / std, proposals, 1);
    eps = key.truncnormal("proposal", lower, upper);
  } else {
    eps = key.normal("proposal", {x.extent(0), proposals, x.extent(1)});
  }
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
                         const std::function<Tensor(const Tensor &)> &score) {
  Posterior found = reverse_sample(x, Levels{t, (1 - t) * base_std}, alpha,
                                   proposals, key, score);
  found.velocity = stopgradient((found.action - x) / (1 - t));
  return found;
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
