#include "compiler/pipelines/Kernels.h"
#include "compiler/codegen/cpu/Emit.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace phlox {
namespace {

// Puts functions of loops in the place of functions of phlox ops.
struct Kernels
    : mlir::PassWrapper<Kernels, mlir::OperationPass<mlir::ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Kernels)

  explicit Kernels(const CompileOptions &options = {}) : options(options) {}

  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registry.insert<mlir::LLVM::LLVMDialect, mlir::arith::ArithDialect,
                    mlir::math::MathDialect, mlir::vector::VectorDialect,
                    mlir::scf::SCFDialect, mlir::amx::AMXDialect>();
  }

  void runOnOperation() override {
    auto targets = cpu::lookupTargets(options.target);
    if (targets)
      targets = cpu::withPrecision(std::move(*targets), options);
    if (!targets) {
      getOperation().emitError(llvm::toString(targets.takeError()));
      return signalPassFailure();
    }
    mlir::OwningOpRef<mlir::ModuleOp> code(
        mlir::ModuleOp::create(getOperation().getLoc()));
    cpu::SharedCode shared;
    for (auto function : getOperation().getOps<mlir::func::FuncOp>()) {
      auto plan = cpu::makePlan(function, {}, targets->front());
      cpu::emitPlan(*plan, targets->front(), *code, shared);
    }
    getOperation().getBodyRegion().takeBody(code->getBodyRegion());
  }

  CompileOptions options;
};

struct KernelOptions : mlir::PassPipelineOptions<KernelOptions> {
  Option<std::string> target{*this, "target", llvm::cl::init("native")};
  Option<std::string> precision{*this, "precision", llvm::cl::init("f32")};
  Option<Amx> amx{*this, "amx", llvm::cl::init(Amx::on),
                  llvm::cl::values(clEnumValN(Amx::off, "off", ""),
                                   clEnumValN(Amx::emulated, "emulated", ""),
                                   clEnumValN(Amx::on, "on", ""))};
};

} // namespace

void registerKernels() {
  static mlir::PassPipelineRegistration<KernelOptions> registration(
      "phlox-kernels", "The first variant's kernels, before they are lowered.",
      [](mlir::OpPassManager &passes, const KernelOptions &chosen) {
        CompileOptions options;
        options.target = chosen.target;
        options.precision = chosen.precision;
        options.amx = chosen.amx;
        passes.addPass(std::make_unique<Kernels>(options));
      });
}

} // namespace phlox
