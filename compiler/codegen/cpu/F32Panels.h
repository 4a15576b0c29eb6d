// The right operand of a product of f32 as panels: of the columns that a
// register tile covers, row by row.
#pragma once
#include "compiler/codegen/cpu/Product.h"

namespace phlox::cpu {

/// Vectors of columns that a register tile of all its rows covers.
int64_t tileVectors(const Target &target, int64_t columns);

/// Whether a kernel of its own packs the right operand: one that many rows
/// read and that the first-level cache cannot hold as it lies, a row's parts a
/// multiple of 1 KB apart in few sets. Columns beyond full panels are not
/// packed.
bool packsPanels(const Target &target, MatmulOp op);
int64_t panelBytes(const Target &target, MatmulOp op);

/// Emits one task of packing; sets the number of tasks.
void emitPanels(Product &product, Value packed, Value task);

} // namespace phlox::cpu
