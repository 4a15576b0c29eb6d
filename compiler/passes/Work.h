// How much arithmetic a graph asks for, before anything is fused.
#pragma once
#include "compiler/dialect/Phlox.h"

namespace phlox {

/// FLOPs of one op: two per term of a matmul's sums, one per element that
/// another op computes or reduces; a scan counts its body once per iteration.
/// Rearrangements and constants are free.
double flopsOf(mlir::Operation *op);

/// FLOPs of all ops of a block.
double flopsOf(mlir::Block &block);

/// An op of one result, and a value of its block that could stand for it.
struct Replacement {
  mlir::Operation *root;
  Value result;
};

/// FLOPs of a block in which replacements were made and what nobody reads then
/// was removed.
double flopsWith(mlir::Block &block, ArrayRef<Replacement> chosen);

} // namespace phlox
