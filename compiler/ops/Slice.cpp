// Rules of slice.
#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult SliceOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                              Adaptor adaptor, Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  ArrayRef<int64_t> start = adaptor.getStart(), size = adaptor.getSize();
  if (start.size() != shape.size() || size.size() != shape.size())
    return mlir::emitOptionalError(
        where, "[slice_c1] start and size must have ", shape.size(),
        " entries for ", formatShape(shape), ": got ", start.size(), " and ",
        size.size());
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (start[axis] < 0 || size[axis] < 1 || size[axis] > shape[axis] ||
        start[axis] > shape[axis] - size[axis])
      return mlir::emitOptionalError(
          where, "[slice_c2] the slice must lie inside axis ", axis, " of ",
          formatShape(shape), ": got start ", start[axis], ", size ",
          size[axis]);
  types.push_back(reshaped(adaptor.getX(), size));
  return mlir::success();
}

void SliceOp::eval(Evaluation &evaluation) {
  SmallVector<int64_t> strides = stridesOf(evaluation.operand(0).shape());
  int64_t offset = 0;
  for (auto [stride, start] : llvm::zip(strides, getStart()))
    offset += stride * start;
  evalStrided(evaluation, strides, offset);
}

SmallVector<Value> SliceOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.make<SliceOp>(tangents[0], getStart(), getSize())};
}
SmallVector<Value> SliceOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  SmallVector<int64_t> high;
  for (auto [extent, start, size] :
       llvm::zip(shapeOf(getX()), getStart(), getSize()))
    high.push_back(extent - start - size);
  return {g.make<PadOp>(cotangents[0], getStart(), high)};
}

SmallVector<Value> SliceOp::batch(Batch &batch, ArrayRef<Value> operands) {
  return {batch.make<SliceOp>(operands[0], inFront(0, getStart()),
                              inFront(batch.size, getSize()))};
}

void SliceOp::lower(Lowering &lowering) {
  IndexMap map;
  for (auto [axis, start] : llvm::enumerate(getStart())) {
    map.source.push_back(axis);
    map.offset.push_back(start);
  }
  lowering.rearrange(map);
}

} // namespace phlox
