// Steps that move elements.
#include "test/fuzz/maker.h"
#include <algorithm>
#include <numeric>

namespace phlox::fuzz {
namespace {

void transposition(Maker &m) {
  Tensor x = m.ofRank(2);
  Extents axes(x.rank());
  std::iota(axes.begin(), axes.end(), 0);
  if (x.rank() == 2 || m.choose().once(2))
    std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  else
    for (size_t i = axes.size(); i > 1; i--)
      std::swap(axes[i - 1], axes[m.choose().pick(int64_t(i))]);
  m.keep(transpose(x, axes));
}

// joins two axes, splits one, or makes all one
void reshaping(Maker &m) {
  Tensor x = m.ofRank(1);
  Extents shape = x.shape();
  int64_t axis = m.choose().pick(x.rank());
  switch (m.choose().pick(4)) {
  case 0:
    return m.keep(reshape(x, {countOf(shape)}));
  case 1:
    if (x.rank() > 1) {
      axis = std::min(axis, x.rank() - 2);
      shape[axis] *= shape[axis + 1];
      shape.erase(shape.begin() + axis + 1);
    }
    return m.keep(reshape(x, shape));
  case 2:
    for (int64_t divisor : {8, 5, 3, 2})
      if (shape[axis] % divisor == 0 && x.rank() < 4) {
        shape[axis] /= divisor;
        shape.insert(shape.begin() + axis + m.choose().pick(2), divisor);
        break;
      }
    return m.keep(reshape(x, shape));
  default:
    std::reverse(shape.begin(), shape.end());
    return m.keep(reshape(x, shape));
  }
}

void repetition(Maker &m) {
  Tensor x = m.any();
  if (x.rank() > 3)
    return;
  Extents shape = x.shape();
  int64_t axis = m.choose().pick(x.rank() + 1);
  switch (m.choose().pick(4)) {
  case 0: {
    int64_t count = m.sizes.width(m.choose());
    shape.push_back(count);
    if (m.isSmall(shape))
      m.keep(repeat(x, count, axis));
    return;
  }
  case 2: {
    int64_t count = m.sizes.width(m.choose());
    shape.push_back(count);
    if (m.isSmall(shape) && axis < x.rank())
      m.keep(stretch(x, count, axis));
    return;
  }
  case 1: {
    shape.insert(shape.begin(), m.sizes.width(m.choose()));
    if (m.isSmall(shape))
      m.keep(broadcast(x, shape));
    return;
  }
  default:
    m.keep(expand(x, axis));
  }
}

void joining(Maker &m) {
  Tensor x = m.ofRank(1);
  Extents shape = x.shape();
  int64_t axis = m.choose().pick(x.rank());
  std::vector<Tensor> parts = {x};
  for (int64_t more = 1 + m.choose().pick(3); more > 0; more--) {
    Extents part = shape;
    if (m.choose().once(2))
      part[axis] = m.sizes.width(m.choose());
    parts.push_back(m.fit(m.any(), part));
  }
  if (m.choose().once(3))
    std::reverse(parts.begin(), parts.end());
  Extents all = shape;
  all[axis] = 0;
  for (const Tensor &part : parts)
    all[axis] += part.extent(axis);
  if (m.isSmall(all))
    m.keep(concat(parts, axis));
}

void cutting(Maker &m) {
  Tensor x = m.ofRank(1);
  Extents start = x.shape(), size = start;
  for (size_t a = 0; a < size.size(); a++) {
    size[a] = m.choose().once(2) ? 1 + m.choose().pick(size[a]) : size[a];
    start[a] = m.choose().pick(start[a] - size[a] + 1);
  }
  m.keep(slice(x, start, size));
}

void padding(Maker &m) {
  Tensor x = m.ofRank(1);
  Extents low(x.rank()), high(x.rank()), shape = x.shape();
  for (size_t a = 0; a < shape.size(); a++) {
    low[a] = m.choose().once(3) ? m.choose().pick(4) : 0;
    high[a] = m.choose().once(2) ? m.choose().pick(9) : 0;
    shape[a] += low[a] + high[a];
  }
  if (m.isSmall(shape))
    m.keep(pad(x, low, high));
}

void gathering(Maker &m) {
  Tensor x = m.ofRank(1);
  Extents shape = x.shape();
  shape.resize(m.choose().pick(x.rank()));
  m.keep(gather(x, m.index(shape)));
}

void scattering(Maker &m) {
  Tensor x = m.any();
  Extents shape = x.shape(), lead = shape;
  lead.resize(m.choose().pick(x.rank() + 1));
  int64_t count = m.sizes.width(m.choose());
  shape.push_back(count);
  if (m.isSmall(shape))
    m.keep(scatteradd(x, m.index(lead), count));
}

void counters(Maker &m) {
  Extents shape = m.sizes.shape(m.choose(), 3);
  if (shape.empty() || !m.isSmall(shape))
    return;
  int64_t axis = m.choose().pick(int64_t(shape.size()));
  if (m.choose().once(3))
    return m.keep(iota(m.entry.trace(), shape, axis, Element::index));
  m.keep(iota(m.entry.trace(), shape, axis, Element::real) * 0.01);
}

void marking(Maker &m) {
  Tensor index = m.index(m.sizes.shape(m.choose(), 2));
  Extents shape = index.shape();
  int64_t count = m.sizes.width(m.choose());
  shape.push_back(count);
  if (m.isSmall(shape))
    m.keep(one_hot(index, count));
}

} // namespace

std::vector<Kind> shapeKinds() {
  return {{"transpose", 5, true, transposition},
          {"reshape", 6, true, reshaping},
          {"repeat", 6, true, repetition},
          {"concat", 5, true, joining},
          {"slice", 4, true, cutting},
          {"pad", 3, true, padding},
          {"gather", 3, true, gathering},
          {"scatteradd", 3, true, scattering},
          {"iota", 1, true, counters},
          {"one hot", 1, true, marking}};
}

} // namespace phlox::fuzz
