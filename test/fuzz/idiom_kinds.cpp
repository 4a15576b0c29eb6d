// Steps written as algorithms write them: what rewrites look for.
#include "test/fuzz/maker.h"
#include <algorithm>
#include <cmath>

namespace phlox::fuzz {
namespace {

int64_t proposals(Maker &m) {
  static const std::vector<int64_t> counts = {1, 2, 3, 4, 7, 8, 16, 17, 33};
  return m.choose().of(counts);
}

struct Layer {
  Tensor weight, bias;
};
Layer layerOf(Maker &m, int64_t inner, int64_t outer) {
  return {m.input({inner, outer}), m.input({outer})};
}
Tensor apply(const Layer &layer, const Tensor &x) {
  return linear(x * (1 / std::sqrt(double(x.extent(-1)))), layer.weight,
                layer.bias);
}

Tensor table(Maker &m) {
  return m.fit(m.any(), {m.sizes.rows, m.sizes.width(m.choose())});
}

// the state, repeated for K actions, scored by a network
void scoring(Maker &m) {
  Tensor obs = table(m);
  int64_t k = proposals(m), width = m.sizes.width(m.choose()),
          hidden = m.sizes.width(m.choose());
  int64_t axis = m.choose().once(4) ? 0 : 1;
  Extents shape = {axis == 0 ? k : m.sizes.rows, axis == 0 ? m.sizes.rows : k,
                   width},
          wide = {shape[0], shape[1], obs.extent(1) + width + hidden};
  if (!m.isSmall(wide))
    return;
  Tensor action = m.fit(m.any(), shape), states = repeat(obs, k, axis);
  Tensor x = m.choose().once(4) ? states : concat({states, action}, 2);
  Layer first = layerOf(m, x.extent(-1), hidden), last = layerOf(m, hidden, 1);
  Tensor h = mish(apply(first, x));
  Tensor q = reshape(apply(last, h), {shape[0], shape[1]});
  switch (m.choose().pick(5)) {
  case 0:
    return m.keep(q);
  case 1:
    return m.keep(mean(q, {axis}));
  case 2: {
    Tensor w = softmax(q, axis);
    return m.keep(sum(expand(w, 2) * action, {axis}));
  }
  case 3:
    return m.keep(logsumexp(q, axis));
  default: {
    Tensor loss = mean(square(q));
    for (const Tensor &slope : grad(loss, {first.weight, last.bias, obs}))
      m.keep(slope);
  }
  }
}

// a regression on the weighted mean, written over all K
void weightedLoss(Maker &m) {
  Tensor target = table(m);
  int64_t k = proposals(m), width = target.extent(1);
  Extents shape = {m.sizes.rows, k, width};
  if (!m.isSmall(shape))
    return;
  Tensor u = m.fit(m.any(), shape),
         w = softmax(m.fit(m.any(), {m.sizes.rows, k}), 1);
  Layer layer = layerOf(m, width, width);
  Tensor v = tanh(apply(layer, target));
  if (m.choose().once(2))
    u = stopgradient(u), w = stopgradient(w);
  Tensor gap = repeat(v, k, 1) - u;
  Tensor loss = mean(sum(expand(w, 2) * square(gap), {1}));
  m.keep(loss);
  if (!m.choose().once(3))
    m.keep(grad(loss, {layer.weight})[0]);
}

// K directional derivatives, then their weighted mean
void manyDirections(Maker &m) {
  Tensor x = table(m);
  int64_t k = proposals(m), width = x.extent(1);
  Extents shape = {m.sizes.rows, k, width};
  if (!m.isSmall(shape))
    return;
  Layer layer = layerOf(m, width, width);
  Tensor all = repeat(x, k, 1);
  Tensor y = tanh(apply(layer, all));
  Tensor moved = jvp(y, {all}, {m.fit(m.any(), shape)});
  Tensor w = softmax(m.fit(m.any(), {m.sizes.rows, k}), 1);
  m.keep(sum(expand(w, 2) * moved, {1}));
}

// two networks of one shape on one input, and the smaller result
void twins(Maker &m) {
  Tensor x = table(m);
  int64_t hidden = m.sizes.width(m.choose());
  std::vector<Tensor> results, weights;
  for (int i = 0; i < 2; i++) {
    Layer first = layerOf(m, x.extent(1), hidden), last = layerOf(m, hidden, 1);
    results.push_back(apply(last, mish(apply(first, x))));
    weights.insert(weights.end(), {first.weight, last.weight});
  }
  m.keep(min(results[0], results[1]));
  if (m.choose().once(2)) {
    Tensor loss = mean(square(results[0] - 1) + square(results[1] - 1));
    for (const Tensor &slope : grad(loss, weights))
      m.keep(slope);
  }
}

// Adam and a moving average on one value
void optimiser(Maker &m) {
  Tensor g = m.any();
  Tensor p = m.input(g.shape()), first = m.input(g.shape()),
         second = abs(m.input(g.shape())), slow = m.input(g.shape());
  Tensor next1 = first * 0.9 + g * 0.1,
         next2 = second * 0.999 + square(g) * 0.001;
  Tensor next = p - next1 / (sqrt(next2) + 0.01) * 0.001;
  if (m.choose().once(2))
    next = select(broadcast(m.occasion(), g.shape()), next, p);
  m.keep(next1);
  m.keep(next2);
  m.keep(slow + (next - slow) * 0.05);
  m.keep(next);
}

// a part of a loop's body that no step changes
void invariant(Maker &m) {
  Tensor x = table(m);
  Layer layer = layerOf(m, x.extent(1), x.extent(1));
  Tensor context =
      m.like(x.shape()).is_number() ? x : m.fit(m.any(), x.shape());
  ScanStep result =
      scan(2 + m.choose().pick(3), {x}, {}, [&](auto &carries, auto &) {
        Tensor fixed = mish(apply(layer, context));
        return ScanStep{{tanh(apply(layer, carries[0]) + fixed)}, {}};
      });
  m.keep(result.carries[0]);
  if (m.choose().once(2))
    m.keep(grad(mean(result.carries[0]), {layer.weight})[0]);
}

// the rows of h in another order or under another shape
Tensor shuffled(Maker &m, const Tensor &h, int64_t width) {
  int64_t rows = h.extent(0), own = h.extent(1);
  switch (m.choose().pick(6)) {
  case 0:
    return m.fit(h, {rows, width});
  case 4: // a column of each row's own
    return m.fit(transpose(reshape(h, {own, rows}), {1, 0}), {rows, width});
  case 1: { // each row begins elsewhere
    int64_t part = std::min(own, width);
    Tensor flat = slice(reshape(h, {rows * own}), {0}, {rows * part});
    return m.fit(reshape(flat, {rows, part}), {rows, width});
  }
  case 2: // one row later
    if (rows == 1)
      return m.fit(h, {rows, width});
    return m.fit(
        concat({slice(h, {1, 0}, {rows - 1, own}), slice(h, {0, 0}, {1, own})},
               0),
        {rows, width});
  case 3:
    return m.fit(reshape(transpose(h, {1, 0}), {rows, own}), {rows, width});
  default:
    return m.fit(broadcast(mean(h, {0}), {rows, own}), {rows, width});
  }
}

// layers of which a later one also reads what an earlier one made
void residual(Maker &m) {
  Tensor h = table(m);
  std::vector<Tensor> earlier = {h};
  for (int64_t layers = 2 + m.choose().pick(3); layers > 0; layers--) {
    int64_t width = m.sizes.width(m.choose());
    Tensor y = apply(layerOf(m, h.extent(1), width), h);
    if (!m.choose().once(3))
      y = y + shuffled(m, m.late(earlier), width);
    h = m.choose().once(2) ? mish(y) : tanh(y);
    earlier.push_back(h);
  }
  m.keep(h);
}

} // namespace

std::vector<Kind> idiomKinds() {
  return {{"scoring", 5, false, scoring},
          {"weighted loss", 3, false, weightedLoss},
          {"many directions", 2, false, manyDirections},
          {"twins", 3, false, twins},
          {"optimiser", 2, false, optimiser},
          {"invariant", 2, false, invariant},
          {"residual", 8, false, residual}};
}

} // namespace phlox::fuzz
