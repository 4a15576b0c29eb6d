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

double flopsWith(mlir::Block &block, ArrayRef<Replacement> chosen) {
  llvm::DenseSet<mlir::Operation *> replaced, results, alive;
  for (const Replacement &each : chosen) {
    replaced.insert(each.root);
    results.insert(each.result.getDefiningOp());
  }
  double flops = 0;
  for (mlir::Operation &op : llvm::reverse(block)) {
    bool used = op.hasTrait<mlir::OpTrait::IsTerminator>() ||
                results.contains(&op) ||
                llvm::any_of(op.getUsers(), [&](mlir::Operation *user) {
                  return alive.contains(user);
                });
    if (!used || replaced.contains(&op))
      continue;
    alive.insert(&op);
    flops += flopsOf(&op);
  }
  return flops;
}

} // namespace phlox
