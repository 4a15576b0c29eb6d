// The phases before planning: canonical form, decomposition, algebra.
#pragma once
#include "compiler/pipelines/CompileOptions.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace mlir {
class OpPassManager;
}

namespace phlox {

/// Returns the names of the rewrites that a compilation may leave out, in the
/// order of the pipeline.
std::vector<std::string> rewriteNames();

/// Makes every draw an input of its entry point.
///
/// Errors: two draws of an entry point have one name; one is in a scan's body.
llvm::Error makeNoiseExplicit(mlir::ModuleOp program);

/// Adds the phases before planning to a pass manager.
///
/// Errors: `without` holds a name that rewriteNames() lacks.
llvm::Error addSimplification(mlir::OpPassManager &passes,
                              const CompileOptions &options);

/// Runs the phases before planning in place.
///
/// Errors: as addSimplification; a pass failed.
llvm::Error simplify(mlir::ModuleOp program, const CompileOptions &options);

/// Makes them a pipeline of phlox-opt: --phlox-simplify="without=hoist-scan".
void registerSimplification();

} // namespace phlox
