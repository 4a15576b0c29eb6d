// What a program must be before it is planned.
#pragma once
#include "compiler/dialect/Phlox.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace phlox {

/// Checks that a module is a program: leaves with names of their own, functions
/// of phlox ops whose arguments and results name a leaf of that type, an input
/// or an output.
///
/// Errors: the first thing that is not so, with the entry point's name.
llvm::Error checkProgram(mlir::ModuleOp program);

} // namespace phlox
