// Rules of softmax. Its Jacobian diag(y) - y y^T is symmetric: jvp and vjp are
// one formula.
#include "compiler/ops/Rules.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace phlox {

llvm::LogicalResult SoftmaxOp::inferReturnTypes(mlir::MLIRContext *,
                                                Where where, Adaptor adaptor,
                                                Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  if (failed(checkAxis(where, "[softmax_c1]", adaptor.getAxis(), shape.size(),
                       shape)))
    return mlir::failure();
  types.push_back(adaptor.getX().getType());
  return mlir::success();
}

void SoftmaxOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0);
  HostTensor &result = evaluation.result();
  AxisView view(x.shape(), getAxis());
  for (int64_t outer = 0; outer < view.outer; ++outer)
    for (int64_t inner = 0; inner < view.inner; ++inner) {
      int64_t base = outer * view.extent * view.inner + inner;
      const double *from = x.reals.data() + base;
      double *to = result.reals.data() + base;
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t k = 0; k < view.extent; ++k)
        largest = std::max(largest, from[k * view.inner]);
      for (int64_t k = 0; k < view.extent; ++k)
        sum += to[k * view.inner] = std::exp(from[k * view.inner] - largest);
      for (int64_t k = 0; k < view.extent; ++k)
        to[k * view.inner] /= sum;
    }
}

SmallVector<Value> SoftmaxOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  Value y = getResult();
  int64_t axis = getAxis();
  Value mean = g.sum(g.mul(y, tangents[0]), {axis});
  Value shifted = g.sub(tangents[0], g.unreduce(mean, {axis}, shapeOf(y)));
  return {g.mul(y, shifted)};
}
SmallVector<Value> SoftmaxOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                  ArrayRef<bool>) {
  return jvp(g, cotangents);
}

PHLOX_BATCH_AXIS(SoftmaxOp)

void SoftmaxOp::lower(Lowering &lowering) {
  lowering.decompose([op = *this](Graph &g) mutable -> SmallVector<Value> {
    Value x = op.getX();
    int64_t axis = op.getAxis();
    Value largest = g.make<ReduceOp>(Reduction::max, x, axis);
    Value power = g.exp(g.sub(x, g.unreduce(largest, axis, shapeOf(x))));
    // one division per row, not per element
    Value scale = g.reciprocal(g.sum(power, axis));
    return {g.mul(power, g.unreduce(scale, axis, shapeOf(x)))};
  });
}

} // namespace phlox
