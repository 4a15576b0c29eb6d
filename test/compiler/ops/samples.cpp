#include "test/compiler/ops/samples.h"

namespace phlox::test {
namespace {

double between(double low, double high, Random &random) {
  return std::uniform_real_distribution<double>(low, high)(random);
}
template <class Draw> void fillReals(HostTensor &tensor, Draw draw) {
  for (double &x : tensor.reals)
    x = draw();
}

// reals of both signs, off 0 and off whole numbers; small integers
void usual(HostTensor &tensor, unsigned, Random &random) {
  fillReals(tensor, [&] {
    double x = between(0.1, 0.9, random) + int(random() % 2);
    return random() % 2 ? x : -x;
  });
  unsigned bits = tensor.type.getElementTypeBitWidth();
  for (uint64_t &x : tensor.counts)
    x = bits == 1 ? random() % 2 : random() % 4;
}
void positive(HostTensor &tensor, unsigned, Random &random) {
  fillReals(tensor, [&] { return between(0.3, 2.5, random); });
}
void unit(HostTensor &tensor, unsigned, Random &random) {
  fillReals(tensor, [&] { return between(0.05, 0.95, random); });
}
void symmetricUnit(HostTensor &tensor, unsigned, Random &random) {
  fillReals(tensor, [&] { return between(-0.9, 0.9, random); });
}
// the base of a power; its exponent may have any sign
void base(HostTensor &tensor, unsigned place, Random &random) {
  (place == 0 ? positive : usual)(tensor, place, random);
}
// u in (0, 1) and an interval
void interval(HostTensor &tensor, unsigned place, Random &random) {
  double low = place == 0 ? 0.05 : place == 1 ? -2 : 0.5;
  fillReals(tensor, [&] { return between(low, low + 0.9, random); });
}
// a key, then the interval
void keyed(HostTensor &tensor, unsigned place, Random &random) {
  interval(tensor, place, random);
  for (uint64_t &x : tensor.counts)
    x = uint32_t(random());
}
void counters(HostTensor &tensor, unsigned, Random &random) {
  for (uint64_t &x : tensor.counts)
    x = random() | 1;
}
// far from singular; the lower triangle is that of a positive definite one
void matrices(HostTensor &tensor, unsigned, Random &random) {
  int64_t n = tensor.shape().back();
  for (size_t i = 0; i < tensor.reals.size(); ++i)
    tensor.reals[i] = between(-0.5, 0.5, random) +
                      (int64_t(i) % (n * n) % (n + 1) == 0 ? 2 : 0);
}

const Sample shapes[] = {
    {"constant", "", "phlox.constant dense<[0.5, -2.0]> : tensor<2xf32>",
     usual},
    {"iota", "", "phlox.iota axis = 1 : tensor<2x3xf32>", usual},
    {"iota", "", "phlox.iota axis = 0 : tensor<4xi32>", usual},
    {"reshape", "%x: tensor<2x6xf32>",
     "phlox.reshape %x, [3, 4] : tensor<2x6xf32> -> tensor<3x4xf32>", usual},
    {"reshape", "%x: tensor<2x6xf32>",
     "phlox.reshape %x, [1, 2, 1, 6] : tensor<2x6xf32> -> "
     "tensor<1x2x1x6xf32>",
     usual},
    {"transpose", "%x: tensor<2x3x4xf32>",
     "phlox.transpose %x, [2, 0, 1] : tensor<2x3x4xf32> -> tensor<4x2x3xf32>",
     usual},
    {"broadcast", "%x: tensor<3x1xf32>",
     "phlox.broadcast %x, [2, 3, 4] : tensor<3x1xf32> -> tensor<2x3x4xf32>",
     usual},
    {"broadcast", "%x: tensor<f32>",
     "phlox.broadcast %x, [2, 3] : tensor<f32> -> tensor<2x3xf32>", usual},
    {"repeat", "%x: tensor<2x3xf32>",
     "phlox.repeat %x, 4 axis = 1 : tensor<2x3xf32> -> tensor<2x4x3xf32>",
     usual},
    {"stretch", "%x: tensor<2x3xf32>",
     "phlox.stretch %x, 4 axis = 0 : tensor<2x3xf32> -> tensor<8x3xf32>",
     usual},
    {"stretch", "%x: tensor<2x3xf32>",
     "phlox.stretch %x, 5 axis = 1 : tensor<2x3xf32> -> tensor<2x15xf32>",
     usual},
    {"expand", "%x: tensor<2x3xf32>",
     "phlox.expand %x axis = 2 : tensor<2x3xf32> -> tensor<2x3x1xf32>", usual},
    {"slice", "%x: tensor<4x6xf32>",
     "phlox.slice %x, [1, 2], [2, 3] : tensor<4x6xf32> -> tensor<2x3xf32>",
     usual},
    {"concat", "%x: tensor<2x3xf32>, %y: tensor<2x1xf32>",
     "phlox.concat %x, %y, %x axis = 1 : (tensor<2x3xf32>, tensor<2x1xf32>, "
     "tensor<2x3xf32>) -> tensor<2x7xf32>",
     usual},
    {"pad", "%x: tensor<2x3xf32>",
     "phlox.pad %x, [1, 0], [0, 2] : tensor<2x3xf32> -> tensor<3x5xf32>",
     usual},
    {"gather", "%x: tensor<2x4x3xf32>, %i: tensor<2xi32>",
     "phlox.gather %x, %i : tensor<2x4x3xf32>, tensor<2xi32> -> "
     "tensor<2x3xf32>",
     usual},
    {"gather", "%x: tensor<3x2xf32>, %i: tensor<i32>",
     "phlox.gather %x, %i : tensor<3x2xf32>, tensor<i32> -> tensor<2xf32>",
     usual},
    {"scatteradd", "%x: tensor<2x3xf32>, %i: tensor<2xi32>",
     "phlox.scatteradd %x, %i, 3 : tensor<2x3xf32>, tensor<2xi32> -> "
     "tensor<2x3x3xf32>",
     usual},
};

const Sample reductions[] = {
    {"matmul", "%x: tensor<3x4xf32>, %y: tensor<4x2xf32>",
     "phlox.matmul %x, %y : tensor<3x4xf32>, tensor<4x2xf32> -> "
     "tensor<3x2xf32>",
     usual},
    {"matmul", "%x: tensor<2x3x4xf32>, %y: tensor<2x4x1xf32>",
     "phlox.matmul %x, %y : tensor<2x3x4xf32>, tensor<2x4x1xf32> -> "
     "tensor<2x3x1xf32>",
     usual},
    {"reduce", "%x: tensor<3x4xf32>",
     "phlox.reduce sum, %x, [0] : tensor<3x4xf32> -> tensor<4xf32>", usual},
    {"reduce", "%x: tensor<2x3x4xf32>",
     "phlox.reduce mean, %x, [2, 0] : tensor<2x3x4xf32> -> tensor<3xf32>",
     usual},
    {"reduce", "%x: tensor<3x4xf32>",
     "phlox.reduce max, %x, [1] : tensor<3x4xf32> -> tensor<3xf32>", usual},
    {"reduce", "%x: tensor<3x4xf32>",
     "phlox.reduce min, %x, [0, 1] : tensor<3x4xf32> -> tensor<f32>", usual},
    {"argmax", "%x: tensor<3x4xf32>",
     "phlox.argmax %x axis = 1 : tensor<3x4xf32> -> tensor<3xi32>", usual},
    {"cumsum", "%x: tensor<2x4x3xf32>",
     "phlox.cumsum %x axis = 1 : tensor<2x4x3xf32> -> tensor<2x4x3xf32>",
     usual},
    {"cumsum", "%x: tensor<4xf32>",
     "phlox.cumsum %x axis = 0 reverse true : tensor<4xf32> -> tensor<4xf32>",
     usual},
    {"softmax", "%x: tensor<2x4x3xf32>",
     "phlox.softmax %x axis = 1 : tensor<2x4x3xf32> -> tensor<2x4x3xf32>",
     usual},
    {"logsumexp", "%x: tensor<2x4x3xf32>",
     "phlox.logsumexp %x axis = 1 : tensor<2x4x3xf32> -> tensor<2x3xf32>",
     usual},
    {"layernorm", "%x: tensor<3x5xf32>",
     "phlox.layernorm %x epsilon = 1.0e-3 : tensor<3x5xf32> -> "
     "tensor<3x5xf32>",
     usual},
    {"logdet", "%x: tensor<2x3x3xf32>",
     "phlox.logdet %x : tensor<2x3x3xf32> -> tensor<2xf32>", matrices},
    {"inverse", "%x: tensor<2x3x3xf32>",
     "phlox.inverse %x : tensor<2x3x3xf32> -> tensor<2x3x3xf32>", matrices},
    {"cholesky", "%x: tensor<2x3x3xf32>",
     "phlox.cholesky %x : tensor<2x3x3xf32> -> tensor<2x3x3xf32>", matrices},
};

} // namespace

ArrayRef<Sample> shapeSamples() { return shapes; }
ArrayRef<Sample> reductionSamples() { return reductions; }

#define PHLOX_UNARY_SAMPLE(OP, FILL)                                           \
  {#OP, "%x: tensor<2x3xf32>", "phlox." #OP " %x : tensor<2x3xf32>", FILL}
#define PHLOX_BINARY_SAMPLE(OP, TYPE, FILL)                                    \
  {#OP, "%x: " TYPE ", %y: " TYPE, "phlox." #OP " %x, %y : " TYPE, FILL}

ArrayRef<Sample> pointwiseSamples() {
  static const Sample samples[] = {
      PHLOX_UNARY_SAMPLE(neg, usual),
      PHLOX_UNARY_SAMPLE(abs, usual),
      PHLOX_UNARY_SAMPLE(sign, usual),
      PHLOX_UNARY_SAMPLE(floor, usual),
      PHLOX_UNARY_SAMPLE(exp, usual),
      PHLOX_UNARY_SAMPLE(log, positive),
      PHLOX_UNARY_SAMPLE(log1p, positive),
      PHLOX_UNARY_SAMPLE(expm1, usual),
      PHLOX_UNARY_SAMPLE(sqrt, positive),
      PHLOX_UNARY_SAMPLE(rsqrt, positive),
      PHLOX_UNARY_SAMPLE(square, usual),
      PHLOX_UNARY_SAMPLE(reciprocal, positive),
      PHLOX_UNARY_SAMPLE(tanh, usual),
      PHLOX_UNARY_SAMPLE(sigmoid, usual),
      PHLOX_UNARY_SAMPLE(silu, usual),
      PHLOX_UNARY_SAMPLE(softplus, usual),
      PHLOX_UNARY_SAMPLE(relu, usual),
      PHLOX_UNARY_SAMPLE(gelu, usual),
      PHLOX_UNARY_SAMPLE(erf, usual),
      PHLOX_UNARY_SAMPLE(erfinv, symmetricUnit),
      PHLOX_UNARY_SAMPLE(sin, usual),
      PHLOX_UNARY_SAMPLE(cos, usual),
      PHLOX_UNARY_SAMPLE(quantile, unit),
      PHLOX_UNARY_SAMPLE(mish, usual),
      {"mish", "%x: tensor<4xf32>", "phlox.mish %x order = 1 : tensor<4xf32>",
       usual},
      {"mish", "%x: tensor<4xf32>", "phlox.mish %x order = 2 : tensor<4xf32>",
       usual},
      PHLOX_BINARY_SAMPLE(add, "tensor<2x3xf32>", usual),
      PHLOX_BINARY_SAMPLE(sub, "tensor<2x3xf32>", usual),
      PHLOX_BINARY_SAMPLE(mul, "tensor<2x3xf32>", usual),
      PHLOX_BINARY_SAMPLE(div, "tensor<2x3xf32>", positive),
      PHLOX_BINARY_SAMPLE(pow, "tensor<2x3xf32>", base),
      PHLOX_BINARY_SAMPLE(min, "tensor<2x3xf32>", usual),
      PHLOX_BINARY_SAMPLE(max, "tensor<2x3xf32>", usual),
      PHLOX_BINARY_SAMPLE(logaddexp, "tensor<2x3xf32>", usual),
      PHLOX_BINARY_SAMPLE(logicaland, "tensor<8xi1>", usual),
      PHLOX_BINARY_SAMPLE(logicalor, "tensor<8xi1>", usual),
      PHLOX_BINARY_SAMPLE(countadd, "tensor<4xi64>", counters),
      PHLOX_BINARY_SAMPLE(countrem, "tensor<4xi64>", counters),
      {"compare", "%x: tensor<4xf32>, %y: tensor<4xf32>",
       "phlox.compare lt, %x, %y : (tensor<4xf32>, tensor<4xf32>) -> "
       "tensor<4xi1>",
       usual},
      {"isfinite", "%x: tensor<4xf32>",
       "phlox.isfinite %x : (tensor<4xf32>) -> tensor<4xi1>", usual},
      {"select", "%c: tensor<6xi1>, %x: tensor<6xf32>, %y: tensor<6xf32>",
       "phlox.select %c, %x, %y : (tensor<6xi1>, tensor<6xf32>, "
       "tensor<6xf32>) -> tensor<6xf32>",
       usual},
      {"convert", "%x: tensor<4xf32>",
       "phlox.convert %x : tensor<4xf32> -> tensor<4xf32>", usual},
      {"convert", "%x: tensor<4xi1>",
       "phlox.convert %x : tensor<4xi1> -> tensor<4xf32>", usual},
      {"convert", "%x: tensor<4xf32>",
       "phlox.convert %x : tensor<4xf32> -> tensor<4xi32>", usual},
      {"truncquantile",
       "%u: tensor<4xf32>, %a: tensor<4xf32>, %b: tensor<4xf32>",
       "phlox.truncquantile %u, %a, %b : tensor<4xf32>", interval},
  };
  return samples;
}

ArrayRef<Sample> otherSamples() {
  static const Sample samples[] = {
      {"randomkey", "%s: tensor<i64>, %n: tensor<i64>",
       "phlox.randomkey %s, %n : (tensor<i64>, tensor<i64>) -> tensor<2xi32>",
       counters},
      {"randombits", "%k: tensor<2xi32>",
       "phlox.randombits %k, \"a\", [40] : (tensor<2xi32>) -> tensor<40xi32>",
       keyed},
      {"uniform", "%k: tensor<2xi32>",
       "phlox.uniform %k, \"a\", [4, 9] : (tensor<2xi32>) -> tensor<4x9xf32>",
       keyed},
      {"normal", "%k: tensor<2xi32>",
       "phlox.normal %k, \"a\", [4, 9] : (tensor<2xi32>) -> tensor<4x9xf32>",
       keyed},
      {"truncnormal",
       "%k: tensor<2xi32>, %a: tensor<4x9xf32>, %b: tensor<4x9xf32>",
       "phlox.truncnormal %k, %a, %b, \"a\" : (tensor<2xi32>, "
       "tensor<4x9xf32>, tensor<4x9xf32>) -> tensor<4x9xf32>",
       keyed},
      {"stopgradient", "%x: tensor<4xf32>",
       "phlox.stopgradient %x : tensor<4xf32>", usual},
      {"scan", "%h: tensor<2xf32>, %x: tensor<3x2xf32>, %w: tensor<2xf32>",
       R"(phlox.scan 3 inits(%h : tensor<2xf32>) xs(%x : tensor<3x2xf32>)
            constants(%w : tensor<2xf32>)
            carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
          ^bb0(%carry: tensor<2xf32>, %row: tensor<2xf32>, %c: tensor<2xf32>):
            %m = phlox.mul %carry, %c : tensor<2xf32>
            %s = phlox.add %m, %row : tensor<2xf32>
            %t = phlox.tanh %s : tensor<2xf32>
            %y = phlox.mul %t, %carry : tensor<2xf32>
            phlox.yield %t, %y : tensor<2xf32>, tensor<2xf32>
          })",
       usual},
  };
  return samples;
}

std::vector<Sample> allSamples() {
  std::vector<Sample> all;
  for (ArrayRef<Sample> part :
       {shapeSamples(), reductionSamples(), pointwiseSamples(), otherSamples()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

Tensors drawArguments(const Sample &sample, Function function, Random &random) {
  Tensors arguments;
  for (auto [place, value] : llvm::enumerate(argumentsOf(function))) {
    HostTensor &tensor = arguments.emplace_back(tensorType(value));
    sample.fill(tensor, unsigned(place), random);
  }
  return arguments;
}

} // namespace phlox::test
