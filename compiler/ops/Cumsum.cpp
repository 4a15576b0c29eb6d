// Rules of cumsum.
#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult CumsumOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                               Adaptor adaptor, Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  if (failed(checkAxis(where, "[cumsum_c1]", adaptor.getAxis(), shape.size(),
                       shape)))
    return mlir::failure();
  types.push_back(adaptor.getX().getType());
  return mlir::success();
}

void CumsumOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0);
  HostTensor &result = evaluation.result();
  AxisView view(x.shape(), getAxis());
  for (int64_t outer = 0; outer < view.outer; ++outer)
    for (int64_t inner = 0; inner < view.inner; ++inner) {
      int64_t base = outer * view.extent * view.inner + inner;
      double sum = 0;
      for (int64_t k = 0; k < view.extent; ++k) {
        int64_t place = getReverse() ? view.extent - 1 - k : k;
        sum += x.reals[base + place * view.inner];
        result.reals[base + place * view.inner] = sum;
      }
    }
}

SmallVector<Value> CumsumOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.make<CumsumOp>(tangents[0], getAxis(), getReverse())};
}
SmallVector<Value> CumsumOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                 ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  return {g.make<CumsumOp>(cotangents[0], getAxis(), !getReverse())};
}

PHLOX_BATCH_AXIS(CumsumOp)

void CumsumOp::lower(Lowering &lowering) {
  lowering.kernel(cumsumKernel(*this));
}

} // namespace phlox
