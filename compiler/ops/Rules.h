// What the rules files of ops include, and the checks that several share.
#pragma once
#include "compiler/codegen/OwnKernels.h"
#include "compiler/interpreter/Evaluation.h"
#include "compiler/ops/Batch.h"

namespace phlox {

using Where = std::optional<mlir::Location>;
using Types = llvm::SmallVectorImpl<mlir::Type>;

/// Checks 0 <= axis < count; `label` is the constraint's, in brackets.
llvm::LogicalResult checkAxis(Where where, llvm::StringRef label, int64_t axis,
                              int64_t count, ArrayRef<int64_t> shape);
/// Checks that the last two axes hold square matrices, not above 32x32.
llvm::LogicalResult checkSquare(Where where, llvm::StringRef squareLabel,
                                llvm::StringRef sizeLabel,
                                ArrayRef<int64_t> shape);
/// Checks a random op's key and how many elements it draws.
llvm::LogicalResult checkDraw(Where where, llvm::StringRef keyLabel,
                              llvm::StringRef countLabel, ArrayRef<int64_t> key,
                              ArrayRef<int64_t> shape);
/// Multiplies extents; nothing if one is negative or the product overflows.
std::optional<int64_t> elementCount(ArrayRef<int64_t> shape);
/// Removes one axis from a shape.
SmallVector<int64_t> withoutAxis(ArrayRef<int64_t> shape, int64_t axis);
/// Inserts one axis into a shape.
SmallVector<int64_t> withAxis(ArrayRef<int64_t> shape, int64_t axis,
                              int64_t extent);
/// Returns the type of `like` with other extents.
RankedTensorType reshaped(Value like, ArrayRef<int64_t> shape);

/// A tensor seen as `outer` blocks of `extent` rows of `inner` elements.
struct AxisView {
  AxisView(ArrayRef<int64_t> shape, int64_t axis);
  int64_t outer = 1, extent = 1, inner = 1;
};

} // namespace phlox

// Ops that carry no derivative say so.
#define PHLOX_WITHOUT_DERIVATIVE(OP)                                           \
  SmallVector<Value> OP::jvp(Graph &, ArrayRef<Value>) { return {Value()}; }   \
  SmallVector<Value> OP::vjp(Graph &, ArrayRef<Value>, ArrayRef<bool>) {       \
    return SmallVector<Value>((*this)->getNumOperands());                      \
  }
