// Rules of normal.
#include "compiler/ops/Draw.h"

namespace phlox {

PHLOX_WITHOUT_DERIVATIVE(NormalOp)

llvm::LogicalResult NormalOp::inferReturnTypes(mlir::MLIRContext *context,
                                               Where where, Adaptor adaptor,
                                               Types &types) {
  if (failed(checkDraw(where, "[normal_c1]", "[normal_c2]",
                       shapeOf(adaptor.getKey()), adaptor.getShape())))
    return mlir::failure();
  types.push_back(RankedTensorType::get(adaptor.getShape(),
                                        mlir::Float32Type::get(context)));
  return mlir::success();
}

void NormalOp::eval(Evaluation &evaluation) {
  std::vector<double> &result = evaluation.result().reals;
  drawUniforms(evaluation, getStream(),
               [&](int64_t i, double u) { result[i] = quantileOf(u); });
}

PHLOX_BATCH_NONE(NormalOp)

void NormalOp::lower(Lowering &lowering) {
  lowering.decompose([op = *this](Graph &g) mutable -> SmallVector<Value> {
    Value u = g.make<UniformOp>(op.getKey(), op.getStream(), op.getShape());
    return {g.make<QuantileOp>(u)};
  });
}

} // namespace phlox
