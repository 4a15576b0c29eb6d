#include "compiler/passes/Work.h"
#include "compiler/codegen/Lowering.h"

namespace phlox {

double flopsOf(mlir::Operation *op) {
  if (auto scan = mlir::dyn_cast<ScanOp>(op))
    return double(scan.getLength()) * flopsOf(scan.getBody().front());
  auto rules = mlir::dyn_cast<Rules>(op);
  if (!rules || op->getNumResults() != 1)
    return 0;
  auto elements = double(tensorType(op->getResult(0)).getNumElements());
  if (auto product = mlir::dyn_cast<MatmulOp>(op))
    return 2 * elements * double(shapeOf(product.getLhs()).back());
  Lowering lowering;
  rules.lower(lowering);
  if (lowering.pointwiseBody || lowering.indexBody)
    return elements;
  bool moves = lowering.indexMap || lowering.isAlias ||
               mlir::isa<ConcatOp>(op) || !op->getNumOperands();
  return moves ? 0 : double(tensorType(op->getOperand(0)).getNumElements());
}

double flopsOf(mlir::Block &block) {
  double sum = 0;
  for (mlir::Operation &op : block)
    sum += flopsOf(&op);
  return sum;
}

} // namespace phlox
