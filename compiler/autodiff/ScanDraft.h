// A scan under construction: derivatives of scans are scans.
#pragma once
#include "compiler/ops/Graph.h"
#include "mlir/IR/IRMapping.h"

namespace phlox {

/// Collects operands and body of a new scan, then emits what is used of it.
class ScanDraft {
public:
  /// Results by the order of adding; a carry nobody wants is null.
  struct Results {
    SmallVector<Value> carries, ys;
  };
  ScanDraft(const mlir::OpBuilder &outside, mlir::Location location,
            int64_t length, bool reverse);

  /// Each adds an operand and returns its block argument.
  Value addCarry(Value init);
  Value addX(Value x) { return addX(x, tensorType(x)); }
  /// The operand comes later, if at all: see `setX`.
  Value addX(Value x, RankedTensorType type);
  Value addConstant(Value constant);

  /// Copies another scan's body; its arguments are mapped to these. Returns
  /// what it yields, here.
  SmallVector<Value> copyBody(ScanOp scan, ArrayRef<Value> arguments);

  /// Builds inside the body.
  Graph inside;

  /// Ends the body and drops what neither the wanted carries nor ys need.
  void close(ArrayRef<Value> nextCarries, ArrayRef<bool> wanted,
             ArrayRef<Value> ys);
  /// Whether an argument has survived `close`.
  bool uses(Value argument) const;
  void setX(Value argument, Value x);
  /// Emits the scan at the graph's insertion point.
  Results emit(Graph &outside);

private:
  struct Operand {
    Value argument, value;
  };
  void erase(SmallVector<Operand> &operands,
             llvm::function_ref<bool(size_t)> keep);

  mlir::Region region;
  SmallVector<Operand> carries, xs, constants;
  SmallVector<bool> kept; ///< of the carries, in the order of adding
  SmallVector<Value> yields;
  size_t yieldedCarries = 0;
  int64_t length;
  bool reverse;
};

} // namespace phlox
