// Rules of truncnormal.
#include "compiler/ops/Draw.h"

namespace phlox {

PHLOX_WITHOUT_DERIVATIVE(TruncNormalOp)

llvm::LogicalResult TruncNormalOp::inferReturnTypes(mlir::MLIRContext *,
                                                    Where where,
                                                    Adaptor adaptor,
                                                    Types &types) {
  ArrayRef<int64_t> lower = shapeOf(adaptor.getLower());
  ArrayRef<int64_t> upper = shapeOf(adaptor.getUpper());
  if (failed(checkDraw(where, "[truncnormal_c1]", "[truncnormal_c3]",
                       shapeOf(adaptor.getKey()), lower)))
    return mlir::failure();
  if (lower != upper)
    return mlir::emitOptionalError(
        where, "[truncnormal_c2] lower and upper must have one shape: got ",
        formatShape(lower), " and ", formatShape(upper));
  types.push_back(adaptor.getLower().getType());
  return mlir::success();
}

void TruncNormalOp::eval(Evaluation &evaluation) {
  const std::vector<double> &lower = evaluation.operand(1).reals;
  const std::vector<double> &upper = evaluation.operand(2).reals;
  std::vector<double> &result = evaluation.result().reals;
  drawUniforms(evaluation, getStream(), [&](int64_t i, double u) {
    result[i] = truncQuantileOf(u, lower[i], upper[i]);
  });
}

PHLOX_BATCH_NONE(TruncNormalOp)

void TruncNormalOp::lower(Lowering &lowering) {
  lowering.decompose([op = *this](Graph &g) mutable -> SmallVector<Value> {
    Value u =
        g.make<UniformOp>(op.getKey(), op.getStream(), shapeOf(op.getLower()));
    return {g.make<TruncQuantileOp>(u, op.getLower(), op.getUpper())};
  });
}

} // namespace phlox
