// Steps of element-wise ops.
#include "test/fuzz/maker.h"

namespace phlox::fuzz {
namespace {

using Function = Tensor (*)(const Tensor &x);

// each where it is defined and does not explode
const std::vector<Function> &functions() {
  static const std::vector<Function> all = {
      [](const Tensor &x) { return tanh(x); },
      [](const Tensor &x) { return neg(x); },
      [](const Tensor &x) { return relu(x); },
      [](const Tensor &x) { return x * 0.5; },
      [](const Tensor &x) { return abs(x); },
      [](const Tensor &x) { return exp(min(x, 3)); },
      [](const Tensor &x) { return exp(neg(square(x))); },
      [](const Tensor &x) { return log(abs(x) + 0.1); },
      [](const Tensor &x) { return log1p(square(x)); },
      [](const Tensor &x) { return expm1(min(x, 2)); },
      [](const Tensor &x) { return sqrt(abs(x) + 0.01); },
      [](const Tensor &x) { return rsqrt(square(x) + 1); },
      [](const Tensor &x) { return square(tanh(x)); },
      [](const Tensor &x) { return reciprocal(square(x) + 0.5); },
      [](const Tensor &x) { return sigmoid(x); },
      [](const Tensor &x) { return silu(x); },
      [](const Tensor &x) { return softplus(x); },
      [](const Tensor &x) { return gelu(x); },
      [](const Tensor &x) { return erf(x); },
      [](const Tensor &x) { return erfinv(tanh(x) * 0.9); },
      [](const Tensor &x) { return sin(x); },
      [](const Tensor &x) { return cos(clip(x, -100, 100)); },
      [](const Tensor &x) { return quantile(sigmoid(x)); },
      [](const Tensor &x) { return mish(x); },
      [](const Tensor &x) { return mish(x, 1); },
      [](const Tensor &x) { return mish(x, 2); },
      [](const Tensor &x) { return sign(x); },
      [](const Tensor &x) { return floor(x * 2) * 0.5; },
      [](const Tensor &x) { return stopgradient(x); },
      [](const Tensor &x) { return x * tanh(softplus(x)); },
  };
  return all;
}

void unary(Maker &m) { m.keep(m.choose().of(functions())(m.any())); }

void binary(Maker &m) {
  Tensor x = m.any();
  Operand y = m.like(x.shape());
  switch (m.choose().pick(10)) {
  case 0:
    return m.keep(x + y);
  case 1:
    return m.keep(m.tame(x * y));
  case 2:
    return m.keep(y - x);
  case 3:
    return m.keep(x / (abs(broadcast(x * 0 + y, x.shape())) + 0.5));
  case 4:
    return m.keep(min(x, y));
  case 5:
    return m.keep(max(y, x));
  case 6:
    return m.keep(logaddexp(x, y));
  case 7:
    return m.keep(pow(abs(x) + 0.1, tanh(x * 0 + y)));
  case 8:
    return m.keep(truncquantile(sigmoid(x), tanh(x * 0 + y) - 1.5, 2));
  default:
    return m.keep(m.tame(x * y + x));
  }
}

// two chains that meet again
void diamond(Maker &m) {
  Tensor x = m.any(), left = m.choose().of(functions())(x),
         right = m.choose().of(functions())(x);
  m.keep(m.choose().once(2) ? left * right : left - right);
}

void selection(Maker &m) {
  Tensor x = m.any(), condition = m.truth(x.shape());
  m.keep(select(condition, m.fit(m.any(), x.shape()), x));
}

void logic(Maker &m) {
  Extents shape = m.any().shape();
  Tensor x = m.truth(shape), y = m.truth(shape);
  switch (m.choose().pick(5)) {
  case 0:
    return m.keep(logicaland(x, y));
  case 1:
    return m.keep(logicalor(x, y));
  case 2:
    return m.keep(convert(x, Element::real));
  case 3:
    return m.keep(isfinite(m.any()));
  default:
    return m.keep(convert(m.any(), Element::truth));
  }
}

void counting(Maker &m) {
  Tensor x = convert(abs(m.any()) * 5, Element::count);
  switch (m.choose().pick(6)) {
  case 0:
    return m.keep(countadd(x, x));
  case 1:
    return m.keep(countrem(countadd(x, 7), 1 + m.choose().pick(4)));
  case 2:
    return m.keep(convert(countrem(x, 3), Element::real));
  case 3:
    return m.keep(convert(x, Element::index));
  case 4:
    return m.keep(convert(convert(x, Element::index), Element::real));
  default:
    return m.keep(compare(Comparison::le, x, countrem(x, 4)));
  }
}

} // namespace

std::vector<Kind> pointwiseKinds() {
  return {{"unary", 12, true, unary},    {"binary", 14, true, binary},
          {"diamond", 4, true, diamond}, {"select", 5, true, selection},
          {"logic", 2, true, logic},     {"count", 2, true, counting}};
}

} // namespace phlox::fuzz
