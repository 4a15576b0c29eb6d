// Rules of the inverse distribution functions, and their f64 values: Newton
// steps on the smaller tail, where erfc keeps its relative precision.
#include "compiler/ops/PointwiseTable.h"
#include <cmath>
#include <limits>
#include <numbers>

namespace phlox {
namespace {

using G = Graph;
using V = VectorBuilder;

// Smallest probability and largest distance of a bound that count; f32 tails
// end there.
constexpr double kTailFloor = 1.2e-38f, kFarthest = 12.9f;

// P(Z > y)
double tailOf(double y) { return 0.5 * std::erfc(y / std::numbers::sqrt2); }

// y >= 0 with P(Z > y) = p, p in (0, 1/2]: Newton on the logarithm
double tailInverse(double p) {
  double y = std::sqrt(-2 * std::log(2 * p));
  for (int i = 0; i < 50; ++i) {
    double t = tailOf(y);
    double density =
        std::exp(-y * y / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    double step = t * std::log(t / p) / density;
    y += step;
    if (std::abs(step) <= 1e-15 * std::abs(y) + 2e-16)
      break;
  }
  return y;
}

} // namespace

double quantileOf(double u) {
  if (std::isnan(u))
    return u;
  double p = std::fmax(std::fmin(u, 1 - u), kTailFloor);
  double y = p >= 0.5 ? 0 : tailInverse(p);
  return u < 0.5 ? -y : y;
}

double truncQuantileOf(double u, double lower, double upper) {
  if (std::isnan(u) || std::isnan(lower) || std::isnan(upper))
    return std::numeric_limits<double>::quiet_NaN();
  double a = std::fmin(std::fmax(lower, -kFarthest), kFarthest);
  double b = std::fmin(std::fmax(upper, -kFarthest), kFarthest);
  // mirrored, so that the bound of larger tail lies on the left
  bool mirrored = a + b > 0;
  if (mirrored) {
    std::swap(a, b);
    a = -a, b = -b, u = 1 - u;
  }
  double below = tailOf(-a), above = tailOf(b), inside = tailOf(-b) - below;
  double p = below + inside * u, q = above + inside * (1 - u);
  double z = p < q ? -tailInverse(p) : tailInverse(std::fmin(q, 0.5));
  z = mirrored ? -z : z;
  return std::fmax(lower, std::fmin(upper, z));
}

double erfinvOf(double x) {
  double size = std::abs(x);
  if (!(size < 1))
    return size == 1 ? std::copysign(INFINITY, x)
                     : std::numeric_limits<double>::quiet_NaN();
  if (size > 0.5) // 1 - size is exact here
    return std::copysign(tailInverse((1 - size) / 2) / std::numbers::sqrt2, x);
  double y = size;
  for (int i = 0; i < 50; ++i) {
    double step =
        (size - std::erf(y)) * std::exp(y * y) / 2 / std::numbers::inv_sqrtpi;
    y += step;
    if (std::abs(step) <= 1e-16 * y)
      break;
  }
  return std::copysign(y, x);
}

namespace {
// the slope is one over the density
constexpr Unary quantile{
    quantileOf,
    [](G &g, Value, Value y, Value d) {
      Value inverse = g.exp(g.scale(g.square(y), 0.5));
      return g.mul(
          d, g.scale(inverse, std::numbers::sqrt2 / std::numbers::inv_sqrtpi));
    },
    [](V &v, Value x) { return v.quantile(x); }};
} // namespace

PHLOX_UNARY(QuantileOp, quantile)
PHLOX_NO_DERIVATIVE(TruncQuantileOp)
PHLOX_BATCH_SAME(TruncQuantileOp)

void TruncQuantileOp::eval(Evaluation &evaluation) {
  const HostTensor &u = evaluation.operand(0), &lower = evaluation.operand(1),
                   &upper = evaluation.operand(2);
  HostTensor &result = evaluation.result();
  for (size_t i = 0; i < result.reals.size(); ++i)
    result.reals[i] =
        truncQuantileOf(u.reals[i], lower.reals[i], upper.reals[i]);
}
void TruncQuantileOp::lower(Lowering &lowering) {
  lowering.pointwise([](V &v, ArrayRef<Value> operands) {
    return v.truncatedQuantile(operands[0], operands[1], operands[2]);
  });
}

} // namespace phlox
