#include "rl/algorithms/mixture.h"
#include <cmath>
#include <numbers>

namespace phlox::rl {
namespace {

constexpr double ridge = 1e-6, least_count = 1e-6;

Tensor diagonal(const Tensor &like, int64_t size) {
  return one_hot(iota(like.trace(), {size}, 0, Element::index), size) * ridge;
}

// covariances of samples (B, S, A) under responsibilities (B, C, S)
Mixture maximise(const Tensor &x, const Tensor &share) {
  Tensor count = sum(share, -1) + least_count; // (B, C)
  Mixture mixture;
  mixture.weights = count / expand(sum(count, -1), 1);
  mixture.means = matmul(share, x) / expand(count, 2);
  Tensor off = expand(x, 1) - expand(mixture.means, 2); // (B, C, S, A)
  Tensor weighted = transpose(off * expand(share, 3), {0, 1, 3, 2});
  mixture.covariances = matmul(weighted, off) / expand(expand(count, 2), 3) +
                        diagonal(x, x.extent(-1));
  return mixture;
}

// probability of each component at each sample, (B, C, S)
Tensor responsibilities(const Tensor &x, const Mixture &mixture) {
  Tensor off = expand(x, 1) - expand(mixture.means, 2);
  Tensor distance = sum(matmul(off, inverse(mixture.covariances)) * off, -1);
  Tensor level = log(mixture.weights) - 0.5 * logdet(mixture.covariances);
  return softmax(expand(level, 2) - 0.5 * distance, 1);
}

} // namespace

Mixture fit_mixture(const Tensor &samples, int64_t components, int64_t steps) {
  Tensor x = stopgradient(samples);
  int64_t rows = x.extent(0), count = x.extent(1), size = x.extent(2);
  Mixture all = maximise(x, fill(x, {rows, 1, count}, 1));
  Operands chosen;
  for (int64_t c = 0; c < components; ++c)
    chosen.push_back(slice(x, {0, (2 * c + 1) * count / (2 * components), 0},
                           {rows, 1, size}));
  Tensor weights =
      fill(x, {rows, components}, 1 / static_cast<double>(components));
  Tensor covariances =
      broadcast(all.covariances, {rows, components, size, size});
  auto end =
      scan(steps, {weights, concat(chosen, 1), covariances}, {},
           [&](auto &carries, auto &) {
             Mixture now{carries[0], carries[1], carries[2]};
             Mixture next = maximise(x, responsibilities(x, now));
             return ScanStep{{next.weights, next.means, next.covariances}, {}};
           })
          .carries;
  return {end[0], end[1], end[2]};
}

Tensor entropy_bound(const Mixture &mixture) {
  auto size = static_cast<double>(mixture.means.extent(-1));
  double constant = size / 2 * (1 + std::log(2 * std::numbers::pi));
  Tensor each = 0.5 * logdet(mixture.covariances) + constant; // (B, C)
  return sum(mixture.weights * (each - log(mixture.weights)), -1);
}

} // namespace phlox::rl
