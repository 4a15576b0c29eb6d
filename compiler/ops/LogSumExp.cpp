// Rules of logsumexp: its slope is softmax.
#include "compiler/ops/Rules.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace phlox {

llvm::LogicalResult LogSumExpOp::inferReturnTypes(mlir::MLIRContext *,
                                                  Where where, Adaptor adaptor,
                                                  Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  int64_t axis = adaptor.getAxis();
  if (failed(checkAxis(where, "[logsumexp_c1]", axis, shape.size(), shape)))
    return mlir::failure();
  types.push_back(reshaped(adaptor.getX(), withoutAxis(shape, axis)));
  return mlir::success();
}

void LogSumExpOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0);
  AxisView view(x.shape(), getAxis());
  for (int64_t outer = 0; outer < view.outer; ++outer)
    for (int64_t inner = 0; inner < view.inner; ++inner) {
      const double *from =
          x.reals.data() + outer * view.extent * view.inner + inner;
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t k = 0; k < view.extent; ++k)
        largest = std::max(largest, from[k * view.inner]);
      for (int64_t k = 0; k < view.extent; ++k)
        sum += std::exp(from[k * view.inner] - largest);
      evaluation.result().reals[outer * view.inner + inner] =
          largest + std::log(sum);
    }
}

SmallVector<Value> LogSumExpOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  Value weights = g.make<SoftmaxOp>(getX(), getAxis());
  return {g.sum(g.mul(weights, tangents[0]), {int64_t(getAxis())})};
}
SmallVector<Value> LogSumExpOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                    ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  Value weights = g.make<SoftmaxOp>(getX(), getAxis());
  Value spread =
      g.unreduce(cotangents[0], {int64_t(getAxis())}, shapeOf(getX()));
  return {g.mul(weights, spread)};
}

PHLOX_BATCH_AXIS(LogSumExpOp)

void LogSumExpOp::lower(Lowering &lowering) {
  lowering.decompose([op = *this](Graph &g) mutable -> SmallVector<Value> {
    Value x = op.getX();
    int64_t axis = op.getAxis();
    Value largest = g.make<ReduceOp>(Reduction::max, x, axis);
    Value power = g.exp(g.sub(x, g.unreduce(largest, axis, shapeOf(x))));
    return {g.add(largest, g.log(g.sum(power, axis)))};
  });
}

} // namespace phlox
