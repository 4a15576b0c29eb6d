// Rules of broadcast.
#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult BroadcastOp::inferReturnTypes(mlir::MLIRContext *,
                                                  Where where, Adaptor adaptor,
                                                  Types &types) {
  ArrayRef<int64_t> from = shapeOf(adaptor.getX()), to = adaptor.getShape();
  if (from.size() > to.size())
    return mlir::emitOptionalError(
        where, "[broadcast_c1] shape must have rank ", from.size(),
        " or more: got ", formatShape(to), " for ", formatShape(from));
  bool fits = elementCount(to).has_value();
  for (auto [x, y] : llvm::zip(from, to.take_back(from.size())))
    fits &= x == 1 || x == y;
  if (!fits)
    return mlir::emitOptionalError(
        where, "[broadcast_c2] extents from the right must be 1 or equal: got ",
        formatShape(from), " for ", formatShape(to));
  types.push_back(reshaped(adaptor.getX(), to));
  return mlir::success();
}

void BroadcastOp::eval(Evaluation &evaluation) {
  ArrayRef<int64_t> from = evaluation.operand(0).shape();
  SmallVector<int64_t> fromStrides = stridesOf(from);
  SmallVector<int64_t> strides(getShape().size());
  size_t missing = strides.size() - from.size();
  for (size_t axis = 0; axis < from.size(); ++axis)
    if (from[axis] != 1)
      strides[missing + axis] = fromStrides[axis];
  evalStrided(evaluation, strides);
}

SmallVector<Value> BroadcastOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.broadcast(tangents[0], getShape())};
}
SmallVector<Value> BroadcastOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                    ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  ArrayRef<int64_t> from = shapeOf(getX()), to = getShape();
  int64_t missing = to.size() - from.size();
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < int64_t(to.size()); ++axis)
    if (axis < missing || (from[axis - missing] == 1 && to[axis] != 1))
      axes.push_back(axis);
  Value result = axes.empty() ? cotangents[0] : g.sum(cotangents[0], axes);
  return {shapeOf(result) == from ? result : g.reshape(result, from)};
}

SmallVector<Value> BroadcastOp::batch(Batch &batch, ArrayRef<Value> operands) {
  // missing axes come behind the examples
  SmallVector<int64_t> from(getShape().size() - shapeOf(getX()).size(), 1);
  llvm::append_range(from, shapeOf(getX()));
  Value x = batch.reshape(operands[0], inFront(batch.size, from));
  return {batch.broadcast(x, inFront(batch.size, getShape()))};
}

void BroadcastOp::lower(Lowering &lowering) {
  IndexMap map;
  ArrayRef<int64_t> from = shapeOf(getX());
  int64_t missing = getShape().size() - from.size();
  for (size_t axis = 0; axis < from.size(); ++axis) {
    map.source.push_back(from[axis] == 1 ? -1 : missing + int64_t(axis));
    map.offset.push_back(0);
  }
  lowering.rearrange(map);
}

} // namespace phlox
