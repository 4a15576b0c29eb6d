// Rules of repeat.
#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult RepeatOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                               Adaptor adaptor, Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  int64_t axis = adaptor.getAxis(), count = adaptor.getCount();
  if (failed(checkAxis(where, "[repeat_c1]", axis, shape.size() + 1, shape)))
    return mlir::failure();
  if (count < 1)
    return mlir::emitOptionalError(
        where, "[repeat_c2] count must be at least 1: got ", count);
  types.push_back(reshaped(adaptor.getX(), withAxis(shape, axis, count)));
  return mlir::success();
}

void RepeatOp::eval(Evaluation &evaluation) {
  SmallVector<int64_t> strides = stridesOf(evaluation.operand(0).shape());
  strides.insert(strides.begin() + int64_t(getAxis()), 0);
  evalStrided(evaluation, strides);
}

SmallVector<Value> RepeatOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.make<RepeatOp>(tangents[0], getCount(), getAxis())};
}
SmallVector<Value> RepeatOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                 ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  return {g.sum(cotangents[0], {int64_t(getAxis())})};
}

PHLOX_BATCH_AXIS(RepeatOp)

void RepeatOp::lower(Lowering &lowering) {
  IndexMap map;
  int64_t rank = tensorType(getX()).getRank(), inserted = getAxis();
  for (int64_t axis = 0; axis < rank; ++axis) {
    map.source.push_back(axis < inserted ? axis : axis + 1);
    map.offset.push_back(0);
  }
  lowering.rearrange(map);
}

} // namespace phlox
