// Steps that join elements: products, reductions, normalisations.
#include "test/fuzz/maker.h"
#include <cmath>

namespace phlox::fuzz {
namespace {

// (..., I) by (I, J), by a leaf, an input or a value; sums stay near 1
Tensor product(Maker &m, Tensor x) {
  int64_t inner = x.extent(-1), outer = m.sizes.width(m.choose());
  Extents weight = {inner, outer};
  bool isTransposed = m.choose().once(3);
  if (isTransposed)
    std::swap(weight[0], weight[1]);
  Tensor w = m.choose().once(4) ? m.fit(m.any(), weight) : m.input(weight);
  if (isTransposed)
    w = transpose(w, {1, 0});
  Extents flat = {countOf(x.shape()) / inner, inner}, shape = x.shape();
  shape.back() = outer;
  if (!m.isSmall(shape))
    return x;
  Tensor y = x.rank() == 2 ? matmul(x, w)
                           : reshape(matmul(reshape(x, flat), w), shape);
  m.budget -= flat[0] * inner * outer / 16;
  return y * (1 / std::sqrt(double(inner)));
}

void layer(Maker &m) {
  Tensor y = product(m, m.ofRank(1));
  if (m.choose().once(2))
    y = y + m.input({y.extent(-1)});
  switch (m.choose().pick(5)) {
  case 0:
    return m.keep(tanh(y));
  case 1:
    return m.keep(mish(y));
  case 2:
    return m.keep(relu(y));
  case 3:
    return m.keep(silu(y));
  default:
    return m.keep(y);
  }
}

void network(Maker &m) {
  Tensor x = m.ofRank(2);
  for (int64_t layers = 2 + m.choose().pick(2); layers > 0; layers--) {
    x = product(m, x) + m.input({1});
    x = m.choose().once(2) ? mish(x) : tanh(x);
  }
  m.keep(product(m, x));
}

// x by itself or by another value, either side transposed or not
void products(Maker &m) {
  Tensor x = m.ofRank(2);
  int64_t rank = x.rank(), rows = x.extent(-2), columns = x.extent(-1);
  bool left = m.choose().once(2), right = m.choose().once(2),
       isOwn = left != right && m.choose().once(3);
  int64_t inner = left ? rows : columns, outer = left ? columns : rows;
  int64_t others = isOwn ? outer : m.sizes.width(m.choose());
  Extents shape = x.shape(), other = shape, swapped(rank);
  other[rank - 2] = right ? others : inner;
  other[rank - 1] = right ? inner : others;
  shape[rank - 2] = outer;
  shape[rank - 1] = others;
  if (!m.isSmall(shape) || !m.isSmall(other) ||
      countOf(shape) * inner > 16000000)
    return;
  m.budget -= countOf(shape) * inner / 16;
  for (int64_t a = 0; a < rank; a++)
    swapped[a] = a;
  std::swap(swapped[rank - 1], swapped[rank - 2]);
  Tensor y = isOwn ? x : m.fit(m.any(), other);
  m.keep(matmul(left ? transpose(x, swapped) : x,
                right ? transpose(y, swapped) : y) *
         (1 / std::sqrt(double(inner))));
}

void reduction(Maker &m) {
  Tensor x = m.ofRank(1);
  static const std::vector<Reduction> kinds = {Reduction::sum, Reduction::mean,
                                               Reduction::max, Reduction::min};
  Extents axes;
  for (int64_t a = 0; a < x.rank(); a++)
    if (m.choose().once(2))
      axes.push_back(a);
  if (axes.empty())
    axes.push_back(m.choose().pick(x.rank()));
  if (axes.size() > 1 && m.choose().once(3))
    std::swap(axes.front(), axes.back());
  Reduction kind = m.choose().of(kinds);
  Tensor y = reduce(kind, x, axes);
  if (kind == Reduction::sum)
    y = y * (1 / std::sqrt(double(countOf(x.shape()) / countOf(y.shape()))));
  if (axes.size() == 1 && m.choose().once(3))
    y = x - expand(y, axes[0]);
  m.keep(y);
}

void normalisation(Maker &m) {
  Tensor x = m.ofRank(1);
  int64_t axis = m.choose().pick(x.rank());
  switch (m.choose().pick(6)) {
  case 0:
    return m.keep(softmax(x, axis));
  case 1:
    return m.keep(logsumexp(x, axis));
  case 2:
    return m.keep(layernorm(x, m.choose().once(2) ? 1e-5 : 0.1));
  case 3:
    return m.keep(
        m.tame(cumsum(x * 0.3, axis, /*reverse=*/m.choose().once(2))));
  case 4:
    return m.keep(argmax(x, axis));
  default:
    return m.keep(ess(softmax(x, axis)));
  }
}

// I + tanh(x) / n is never singular, its lower triangle positive definite
void determinant(Maker &m) {
  int64_t n = 1 + m.choose().pick(8);
  Extents shape = {n, n};
  if (m.choose().once(2))
    shape.insert(shape.begin(), m.choose().once(2) ? m.sizes.rows : 3);
  if (!m.isSmall(shape))
    return;
  Tensor x = tanh(m.fit(m.any(), shape)) * (0.9 / double(n));
  Tensor rows = iota(m.entry.trace(), {n, n}, 0, Element::index),
         columns = iota(m.entry.trace(), {n, n}, 1, Element::index);
  Tensor a = x + convert(compare(Comparison::eq, rows, columns), Element::real);
  switch (m.choose().pick(3)) {
  case 0:
    return m.keep(inverse(a));
  case 1:
    return m.keep(logdet(a));
  default:
    return m.keep(cholesky(a));
  }
}

} // namespace

std::vector<Kind> structureKinds() {
  return {{"layer", 10, true, layer},
          {"network", 3, false, network},
          {"matmul", 7, true, products},
          {"reduce", 10, true, reduction},
          {"normalise", 7, true, normalisation},
          {"determinant", 1, true, determinant}};
}

} // namespace phlox::fuzz
