#include "compiler/ops/Batch.h"
#include "mlir/IR/IRMapping.h"
#include <numeric>

namespace phlox {

SmallVector<int64_t> inFront(int64_t count, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> result{count};
  llvm::append_range(result, shape);
  return result;
}

Value Batch::spread(Value given, Value own) {
  return isMapped(given, own) ? given : make<RepeatOp>(given, size, 0);
}

Value Batch::transposeFirst(Value x) {
  SmallVector<int64_t> permutation(tensorType(x).getRank());
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation[0], permutation[1]);
  return make<TransposeOp>(x, permutation);
}

mlir::Operation *Batch::copyMapped(mlir::Operation *op,
                                   ArrayRef<Value> operands) {
  SmallVector<Value> mapped;
  for (auto [given, own] : llvm::zip(operands, op->getOperands()))
    mapped.push_back(spread(given, own));
  mlir::Operation *copy = clone(*op);
  copy->setOperands(mapped);
  for (mlir::OpResult result : copy->getResults()) {
    auto type = tensorType(result);
    result.setType(type.clone(inFront(size, type.getShape())));
  }
  return copy;
}

SmallVector<Value> mapBlock(Batch &batch, mlir::Block &block,
                            ArrayRef<Value> arguments,
                            mlir::ValueRange outputs) {
  mlir::IRMapping found;
  found.map(block.getArguments(), arguments);
  for (mlir::Operation &op : block) {
    if (op.hasTrait<mlir::OpTrait::IsTerminator>())
      break;
    SmallVector<Value> operands;
    bool any = false;
    for (Value own : op.getOperands()) {
      operands.push_back(found.lookup(own));
      any |= Batch::isMapped(operands.back(), own);
    }
    if (!any) {
      batch.clone(op, found);
      continue;
    }
    batch.location = op.getLoc();
    SmallVector<Value> results = mlir::cast<Rules>(op).batch(batch, operands);
    if (batch.refused)
      return {};
    found.map(op.getResults(), results);
  }
  SmallVector<Value> results;
  for (Value output : outputs)
    results.push_back(found.lookup(output));
  return results;
}

} // namespace phlox
