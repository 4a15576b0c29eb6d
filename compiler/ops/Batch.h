// What batching rules build with: a graph over all examples of a `vmap`.
#pragma once
#include "compiler/ops/Graph.h"

namespace phlox {

/// A value is mapped if it differs by example: it then has one more axis, of
/// `size`, in front. A rule gets its op's operands, each mapped or shared, at
/// least one of them mapped; it returns the results, all of them mapped.
class Batch : public Graph {
public:
  Batch(const mlir::OpBuilder &builder, mlir::Location location, int64_t size)
      : Graph(builder, location), size(size) {}

  /// Tells whether `given` stands for its `own` value of one example or of all.
  static bool isMapped(Value given, Value own) {
    return tensorType(given).getRank() != tensorType(own).getRank();
  }
  /// Repeats a shared value for every example; a mapped one passes.
  Value spread(Value given, Value own);
  /// Makes the same op with mapped operands; `change` adapts its attributes.
  template <class Op>
  SmallVector<Value> same(Op op, ArrayRef<Value> operands,
                          llvm::function_ref<void(Op)> change = {}) {
    mlir::Operation *copy = copyMapped(op, operands);
    if (change)
      change(mlir::cast<Op>(copy));
    return SmallVector<Value>(copy->getResults());
  }
  /// What a rule returns that cannot be: nothing, and the op is remembered.
  SmallVector<Value> refuse(mlir::Operation *op) {
    refused = op;
    return {};
  }
  /// Swaps the first two axes.
  Value transposeFirst(Value x);

  const int64_t size;
  mlir::Operation *refused = nullptr;

private:
  mlir::Operation *copyMapped(mlir::Operation *op, ArrayRef<Value> operands);
};

/// Emits a block's ops for all examples of `batch`, terminator left out.
///
/// `arguments` stand for the block's, mapped or shared. Returns one value per
/// output, mapped or shared; nothing if `batch.refused` is set.
SmallVector<Value> mapBlock(Batch &batch, mlir::Block &block,
                            ArrayRef<Value> arguments,
                            mlir::ValueRange outputs);

/// Puts `count` in front of a shape, and 0 in front of a position.
SmallVector<int64_t> inFront(int64_t count, ArrayRef<int64_t> shape);

} // namespace phlox

// Ops to which examples are one more leading axis.
#define PHLOX_BATCH_SAME(OP)                                                   \
  SmallVector<Value> OP::batch(Batch &batch, ArrayRef<Value> operands) {       \
    return batch.same(*this, operands);                                        \
  }
// The same for ops that name one axis.
#define PHLOX_BATCH_AXIS(OP)                                                   \
  SmallVector<Value> OP::batch(Batch &batch, ArrayRef<Value> operands) {       \
    return batch.same<OP>(*this, operands,                                     \
                          [](OP op) { op.setAxis(op.getAxis() + 1); });        \
  }
// Ops that make noise: one key cannot give every example draws of its own.
#define PHLOX_BATCH_NONE(OP)                                                   \
  SmallVector<Value> OP::batch(Batch &batch, ArrayRef<Value>) {                \
    return batch.refuse(*this);                                                \
  }
