// Rules of mish and its first two derivatives: order k has the slope k + 1,
// and the slope of order 2 is a composition of ops.
#include "compiler/ops/PointwiseTable.h"
#include <algorithm>
#include <cmath>

namespace phlox {
namespace {

// Beyond, the rational forms are at their limits in f32; e^x stays normal.
constexpr double kLeast = -87, kMost = 10;

double mishOf(double x, int64_t order) {
  // the f64 forms hold in a wider range than the f32 clamp, up to n^2 < 1e308
  double c = std::isnan(x) ? x : std::clamp(x, -700.0, 80.0);
  double w = std::exp(c), n = w * (w + 2), r = 1 / (n + 2);
  if (order == 0)
    return c < x ? x : c > x ? 0 : x * n * r;
  if (order == 1)
    return n * r + 4 * c * w * (w + 1) * r * r;
  return 4 * w * r * r * (2 * (w + 1) + c * (1 - 2 * w + 4 * w * r));
}

// slope of order 2: with f = 4 w r^2 g, f' = 4 w r (r g + 2 r' g + r g')
Value thirdDerivative(Graph &g, Value input) {
  Value x = g.minimum(g.maximum(input, g.constant(kLeast, input)),
                      g.constant(kMost, input));
  Value w = g.exp(x), w1 = g.shift(w, 1);
  Value r = g.reciprocal(g.shift(g.mul(w, g.shift(w, 2)), 2));
  Value slopeR = g.scale(g.mul(g.mul(w, w1), g.square(r)), -2);
  Value wr = g.mul(w, r);
  // h = 1 - 2 w + 4 w r and its slope
  Value h = g.shift(g.add(g.scale(w, -2), g.scale(wr, 4)), 1);
  Value slopeH = g.add(g.scale(w, -2), g.scale(g.add(wr, g.mul(w, slopeR)), 4));
  Value inner = g.add(g.scale(w1, 2), g.mul(x, h));
  Value slopeInner = g.add(g.add(g.scale(w, 2), h), g.mul(x, slopeH));
  Value sum = g.add(g.mul(r, g.add(inner, slopeInner)),
                    g.scale(g.mul(slopeR, inner), 2));
  return g.mul(g.scale(wr, 4), sum);
}

} // namespace

llvm::LogicalResult MishOp::verify() {
  int64_t order = getOrder();
  if (order < 0 || order > 2)
    return emitOpError("[mish_c2] order must be 0, 1 or 2: got ") << order;
  return mlir::success();
}

void MishOp::eval(Evaluation &evaluation) {
  int64_t order = getOrder();
  evaluation.pointwise([order](double x) { return mishOf(x, order); });
}

SmallVector<Value> MishOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  int64_t order = getOrder();
  Value slope = order < 2 ? g.make<MishOp>(getX(), order + 1)
                          : thirdDerivative(g, getX());
  return {g.mul(tangents[0], slope)};
}

SmallVector<Value> MishOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                               ArrayRef<bool>) {
  return jvp(g, cotangents);
}

PHLOX_BATCH_SAME(MishOp)

void MishOp::lower(Lowering &lowering) {
  int64_t order = getOrder();
  lowering.pointwise([order](VectorBuilder &v, ArrayRef<Value> operands) {
    return v.mish(operands[0], order);
  });
}

} // namespace phlox
