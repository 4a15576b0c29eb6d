// Rules of constant.
#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult ConstantOp::verify() {
  if (!mlir::isa<mlir::DenseIntOrFPElementsAttr>(getValue()))
    return emitOpError("value must list its elements: got ") << getValue();
  return mlir::success();
}

mlir::OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

void ConstantOp::eval(Evaluation &evaluation) {
  evaluation.result() =
      HostTensor(mlir::cast<mlir::DenseElementsAttr>(getValue()));
}

SmallVector<Value> ConstantOp::jvp(Graph &, ArrayRef<Value>) {
  return {Value()};
}
SmallVector<Value> ConstantOp::vjp(Graph &, ArrayRef<Value>, ArrayRef<bool>) {
  return {};
}

SmallVector<Value> ConstantOp::batch(Batch &batch, ArrayRef<Value>) {
  return {batch.make<RepeatOp>(getResult(), batch.size, 0)};
}

void ConstantOp::lower(Lowering &lowering) { lowering.structured(); }

} // namespace phlox
