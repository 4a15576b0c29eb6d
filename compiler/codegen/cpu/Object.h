// From a module in the LLVM dialect to an object file.
#pragma once
#include "compiler/codegen/cpu/Target.h"
#include "compiler/pipelines/PhaseTimes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MemoryBuffer.h"
#include <functional>
#include <memory>

namespace llvm {
class Module;
}

namespace phlox::cpu {

/// Lowers arith, math, vector and scf to the LLVM dialect, in place.
llvm::Error lowerToLlvm(mlir::ModuleOp module);

/// Emits an ELF object for x86-64; `extend` may add to the LLVM module first
/// (tables). Everything but the symbols in `exported` becomes local.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
emitObject(mlir::ModuleOp module, const Target &target,
           llvm::function_ref<void(llvm::Module &)> extend,
           llvm::ArrayRef<std::string> exported,
           const std::string &dumpDirectory = "", PhaseTimes *times = nullptr);

} // namespace phlox::cpu
