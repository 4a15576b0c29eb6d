// Which values only a condition's true branch can reach.
#pragma once
#include "compiler/dialect/Phlox.h"
#include "llvm/ADT/DenseMap.h"

namespace phlox::cpu {

/// Finds, for each value of a block, a scalar condition on counters without
/// which nobody reads it (absent: always needed). A value is needed where it is
/// returned; below `select(c, x, y)` x is needed only if c holds.
///
/// The conditions themselves are always needed: comparisons of counters, alone
/// or joined by `logicaland`.
llvm::DenseMap<Value, Value> findGuards(mlir::Block &block);

} // namespace phlox::cpu
