// Rules of argmax.
#include "compiler/ops/Rules.h"
#include <limits>

namespace phlox {

PHLOX_WITHOUT_DERIVATIVE(ArgMaxOp)

llvm::LogicalResult ArgMaxOp::inferReturnTypes(mlir::MLIRContext *context,
                                               Where where, Adaptor adaptor,
                                               Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  int64_t axis = adaptor.getAxis();
  if (failed(checkAxis(where, "[argmax_c1]", axis, shape.size(), shape)))
    return mlir::failure();
  types.push_back(RankedTensorType::get(withoutAxis(shape, axis),
                                        mlir::IntegerType::get(context, 32)));
  return mlir::success();
}

void ArgMaxOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0);
  AxisView view(x.shape(), getAxis());
  for (int64_t outer = 0; outer < view.outer; ++outer)
    for (int64_t inner = 0; inner < view.inner; ++inner) {
      const double *from =
          x.reals.data() + outer * view.extent * view.inner + inner;
      double best = -std::numeric_limits<double>::infinity();
      int64_t place = -1;
      // NaN compares false and never wins; -inf wins over NaN alone
      for (int64_t k = 0; k < view.extent; ++k) {
        double value = from[k * view.inner];
        if (value > best || (place < 0 && value == best))
          best = value, place = k;
      }
      evaluation.result().counts[outer * view.inner + inner] =
          place < 0 ? 0 : place;
    }
}

PHLOX_BATCH_AXIS(ArgMaxOp)

void ArgMaxOp::lower(Lowering &lowering) {
  lowering.kernel(argMaxKernel(*this));
}

} // namespace phlox
