// From a module of phlox entry points to machine code.
#pragma once
#include "compiler/pipelines/PhaseTimes.h"
#include "compiler/pipelines/Simplify.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <vector>

namespace phlox {

struct CompiledObject {
  /// ELF relocatables, to be linked together
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> objects;
  std::string header; ///< C header text
  std::string symbol; ///< the query function's name
  std::string hash;   ///< 64 hex digits
  PhaseTimes times;
};

/// Registers the dialects that programs are written in.
void registerPhloxDialects(mlir::DialectRegistry &registry);

/// Returns the content hash of IR, options and compiler: the cache key.
std::string contentHash(mlir::ModuleOp program, const CompileOptions &options);

/// Compiles all entry points, on as many threads as the process may use. The
/// module is not changed; what comes out does not depend on the threads.
///
/// Errors: an unknown target, precision or rewrite, a malformed module.
llvm::Expected<CompiledObject> compile(mlir::ModuleOp program,
                                       const CompileOptions &options);

/// Returns the version text that artifacts carry: Phlox's and LLVM's.
std::string compilerVersion();

} // namespace phlox
