// Products of tiles as AMX instructions, or as loops that round like them.
#pragma once
#include "compiler/pipelines/CompileOptions.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace phlox::cpu {

/// Lowers the ops of the amx dialect, in place: to LLVM's intrinsics, or with
/// Amx::emulated to loops over tiles in memory, which any processor runs.
///
/// Errors: a sum of the emulation that is read twice.
llvm::Error lowerAmx(mlir::ModuleOp module, Amx amx);

} // namespace phlox::cpu
