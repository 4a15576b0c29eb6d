// Parts of a module that compile side by side.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SmallVector.h"

namespace phlox::cpu {

/// Moves functions that use no other symbol out of `module`, into parts of
/// about equal size; they are declared where they were and become hidden
/// symbols with names of tagSymbol(). Functions in `exported` stay. The parts
/// depend on the module alone.
llvm::SmallVector<mlir::OwningOpRef<mlir::ModuleOp>>
partition(mlir::ModuleOp module, llvm::ArrayRef<std::string> exported,
          llvm::StringRef tag);

} // namespace phlox::cpu
