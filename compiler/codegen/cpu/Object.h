// From a module in the LLVM dialect to an object file.
#pragma once
#include "compiler/codegen/cpu/Target.h"
#include "compiler/pipelines/PhaseTimes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MemoryBuffer.h"
#include <functional>
#include <memory>
#include <vector>

namespace llvm {
class Module;
}

namespace phlox::cpu {

/// Lowers arith, math, vector and scf to the LLVM dialect, in place.
llvm::Error lowerToLlvm(mlir::ModuleOp module);

/// What to emit.
struct ObjectOptions {
  std::vector<std::string> exported; ///< all other symbols become local
  std::string tag = "part";          ///< of symbols between parts
  std::string dumpDirectory;         ///< where to write LLVM's IR
};

/// Emits ELF objects for x86-64 that belong together, compiled side by side;
/// `extend` may add to the first one's LLVM module (tables). What they hold
/// does not depend on how many threads there are. Consumes the module's
/// functions.
llvm::Expected<std::vector<std::unique_ptr<llvm::MemoryBuffer>>>
emitObjects(mlir::ModuleOp module, const Target &target,
            const ObjectOptions &options,
            llvm::function_ref<void(llvm::Module &)> extend,
            PhaseTimes *times = nullptr);

} // namespace phlox::cpu
