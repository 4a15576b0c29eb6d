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

/// Lowers arith, math, vector, scf and amx to the LLVM dialect, in place.
llvm::Error lowerToLlvm(mlir::ModuleOp module, Amx amx = Amx::off);

using Object = std::unique_ptr<llvm::MemoryBuffer>;

/// What to emit.
struct ObjectOptions {
  std::vector<std::string> exported; ///< all other symbols become local
  std::string tag;                   ///< of symbols between objects
  std::string dump; ///< where to write LLVM's IR: path without .ll
};

/// Emits ELF objects for x86-64 that belong together, compiled side by side.
/// What they hold does not depend on how many threads there are. With a tag,
/// exported names become tagSymbol(name), hidden. Consumes the module's
/// functions.
llvm::Expected<std::vector<Object>> emitObjects(mlir::ModuleOp module,
                                                const Target &target,
                                                const ObjectOptions &options,
                                                PhaseTimes *times = nullptr);

/// Emits an ELF object of what `fill` adds to a module (tables).
llvm::Expected<Object> emitTable(llvm::function_ref<void(llvm::Module &)> fill);

/// Returns a name for use between the objects of one artifact: two artifacts
/// can be linked into one host.
std::string tagSymbol(llvm::StringRef name, llvm::StringRef tag);

} // namespace phlox::cpu
