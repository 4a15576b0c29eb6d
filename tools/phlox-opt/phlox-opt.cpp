// Runs passes on .mlir files: whatever the C++ API does to IR can be repeated
// and bisected here.
#include "compiler/dialect/Phlox.h"
#include "compiler/passes/Passes.h"
#include "compiler/pipelines/Kernels.h"
#include "compiler/pipelines/Simplify.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<phlox::PhloxDialect, mlir::func::FuncDialect>();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
  phlox::registerPhloxPasses();
  phlox::registerSimplification();
  phlox::registerKernels();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "phlox-opt: passes on phlox\n", registry));
}
