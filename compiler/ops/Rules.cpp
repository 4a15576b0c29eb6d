#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult checkAxis(Where where, llvm::StringRef label, int64_t axis,
                              int64_t count, ArrayRef<int64_t> shape) {
  if (axis >= 0 && axis < count)
    return mlir::success();
  return mlir::emitOptionalError(where, label, " axis must be in [0, ", count,
                                 "): got ", axis, " for ", formatShape(shape));
}

llvm::LogicalResult checkSquare(Where where, llvm::StringRef squareLabel,
                                llvm::StringRef sizeLabel,
                                ArrayRef<int64_t> shape) {
  if (shape.size() < 2 || shape.back() != shape[shape.size() - 2])
    return mlir::emitOptionalError(
        where, squareLabel, " the last two axes must have one extent: got ",
        formatShape(shape));
  if (shape.back() > 32)
    return mlir::emitOptionalError(where, sizeLabel,
                                   " matrices must be at most 32x32: got ",
                                   formatShape(shape));
  return mlir::success();
}

llvm::LogicalResult checkDraw(Where where, llvm::StringRef keyLabel,
                              llvm::StringRef countLabel, ArrayRef<int64_t> key,
                              ArrayRef<int64_t> shape) {
  if (key != ArrayRef<int64_t>{2})
    return mlir::emitOptionalError(
        where, keyLabel, " key must have shape 2: got ", formatShape(key));
  std::optional<int64_t> count = elementCount(shape);
  if (!count || *count >= int64_t(1) << 32)
    return mlir::emitOptionalError(
        where, countLabel, " shape must hold fewer than 2^32 elements: got ",
        formatShape(shape));
  return mlir::success();
}

std::optional<int64_t> elementCount(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    if (extent < 0 || llvm::MulOverflow(count, extent, count))
      return std::nullopt;
  return count;
}

SmallVector<int64_t> withoutAxis(ArrayRef<int64_t> shape, int64_t axis) {
  SmallVector<int64_t> result(shape);
  result.erase(result.begin() + axis);
  return result;
}

SmallVector<int64_t> withAxis(ArrayRef<int64_t> shape, int64_t axis,
                              int64_t extent) {
  SmallVector<int64_t> result(shape);
  result.insert(result.begin() + axis, extent);
  return result;
}

RankedTensorType reshaped(Value like, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, tensorType(like).getElementType());
}

AxisView::AxisView(ArrayRef<int64_t> shape, int64_t axis) {
  for (int64_t extent_ : shape.take_front(axis))
    outer *= extent_;
  extent = shape[axis];
  for (int64_t extent_ : shape.drop_front(axis + 1))
    inner *= extent_;
}

} // namespace phlox
