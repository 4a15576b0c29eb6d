#include "rl/algorithms/posterior.h"
#include <cmath>

namespace phlox::rl {

Posterior reverse_sample(const Tensor &x, const Tensor &t, const Tensor &alpha,
                         int64_t proposals, double base_std, const Key &key,
                         const std::function<Tensor(const Tensor &)> &score) {
  Tensor std = (1 - t) * base_std;                    // (B, 1)
  Tensor lower = repeat((x - t) / std, proposals, 1); // (B, K, A)
  Tensor upper = repeat((x + t) / std, proposals, 1); // (B, K, A)
  Tensor eps = key.truncnormal("proposal", lower, upper);
  // inside the box by construction: clipping removes rounding only
  Tensor actions =
      clip((expand(x, 1) - expand(std, 1) * eps) / expand(t, 1), -1, 1);
  // weights need no proposal density: actions were drawn from it
  Tensor weights = softmax(score(actions) / alpha, 1);  // (B, K)
  Tensor action = sum(expand(weights, 2) * actions, 1); // (B, A)
  Tensor velocity = (action - x) / (1 - t);
  return {stopgradient(action), stopgradient(velocity), stopgradient(weights),
          stopgradient(actions)};
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
