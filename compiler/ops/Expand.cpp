// Rules of expand.
#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult ExpandOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                               Adaptor adaptor, Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  int64_t axis = adaptor.getAxis();
  if (failed(checkAxis(where, "[expand_c1]", axis, shape.size() + 1, shape)))
    return mlir::failure();
  types.push_back(reshaped(adaptor.getX(), withAxis(shape, axis, 1)));
  return mlir::success();
}

void ExpandOp::eval(Evaluation &evaluation) {
  copyElements(evaluation.operand(0), 0, evaluation.result(), 0,
               evaluation.result().size());
}

SmallVector<Value> ExpandOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.make<ExpandOp>(tangents[0], getAxis())};
}
SmallVector<Value> ExpandOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                 ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  return {g.reshape(cotangents[0], shapeOf(getX()))};
}

PHLOX_BATCH_AXIS(ExpandOp)

void ExpandOp::lower(Lowering &lowering) {
  IndexMap map;
  int64_t rank = tensorType(getX()).getRank(), inserted = getAxis();
  for (int64_t axis = 0; axis < rank; ++axis) {
    map.source.push_back(axis < inserted ? axis : axis + 1);
    map.offset.push_back(0);
  }
  lowering.rearrange(map);
}

} // namespace phlox
