#include "test/support/rewriting.h"
#include "compiler/passes/Work.h"
#include "compiler/pipelines/Simplify.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <stdexcept>

namespace phlox::test {

std::vector<std::string> allRewrites() {
  std::vector<std::string> names = rewriteNames();
  std::erase(names, "move-reshapes");
  return names;
}

mlir::OwningOpRef<mlir::ModuleOp>
simplified(mlir::ModuleOp program, const std::vector<std::string> &without) {
  mlir::OwningOpRef<mlir::ModuleOp> module(
      mlir::cast<mlir::ModuleOp>(program->clone()));
  CompileOptions options;
  options.without = without;
  if (auto error = simplify(*module, options))
    throw std::runtime_error(llvm::toString(std::move(error)));
  return module;
}

double flopsOf(mlir::ModuleOp program, const std::string &entry) {
  auto function = program.lookupSymbol<mlir::func::FuncOp>(entry);
  if (!function)
    throw std::runtime_error("no entry point " + entry);
  return phlox::flopsOf(function.getBody().front());
}

} // namespace phlox::test
