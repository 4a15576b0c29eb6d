// What the compiler's rewrites make of a program.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <string>
#include <vector>

namespace phlox::test {

/// Names of the rewrites that change FLOPs: all but move-reshapes.
std::vector<std::string> allRewrites();

/// Returns a copy of a program as it is before planning.
mlir::OwningOpRef<mlir::ModuleOp>
simplified(mlir::ModuleOp program,
           const std::vector<std::string> &without = {});

/// FLOPs of one entry point.
double flopsOf(mlir::ModuleOp program, const std::string &entry);

} // namespace phlox::test
