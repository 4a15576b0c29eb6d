// What a scan's body must yield.
#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult YieldOp::verify() {
  auto scan = mlir::cast<ScanOp>((*this)->getParentOp());
  size_t carries = scan.getInits().size(), ys = scan.getYs().size();
  if (getNumOperands() != carries + ys)
    return emitOpError("[scan_c3] ")
           << carries << " carries and " << ys << " ys must be yielded: got "
           << getNumOperands() << " values";
  for (auto [value, init] : llvm::zip(getOperands(), scan.getInits()))
    if (value.getType() != init.getType())
      return emitOpError("[scan_c3] a carry must keep its type ")
             << init.getType() << ": got " << value.getType();
  for (auto [value, y] :
       llvm::zip(getOperands().drop_front(carries), scan.getYs())) {
    SmallVector<int64_t> shape{int64_t(scan.getLength())};
    llvm::append_range(shape, shapeOf(value));
    if (y.getType() != reshaped(value, shape))
      return emitOpError("[scan_c3] a result must stack what is yielded, ")
             << reshaped(value, shape) << ": got " << y.getType();
  }
  return mlir::success();
}

} // namespace phlox
