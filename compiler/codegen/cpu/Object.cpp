#include "compiler/codegen/cpu/Object.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

namespace phlox::cpu {

llvm::Error lowerToLlvm(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  // constants and index arithmetic of the emitters repeat themselves
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  passes.addPass(mlir::createSCFToControlFlowPass());
  passes.addPass(mlir::createConvertVectorToLLVMPass());
  passes.addPass(mlir::createConvertMathToLLVMPass());
  passes.addPass(mlir::createArithToLLVMConversionPass());
  passes.addPass(mlir::createConvertControlFlowToLLVMPass());
  passes.addPass(mlir::createReconcileUnrealizedCastsPass());
  if (mlir::failed(passes.run(module)))
    return llvm::createStringError("lowering to the LLVM dialect failed");
  return llvm::Error::success();
}

namespace {
void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager calls;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  // the loops are vectors already
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(calls);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, calls, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O1)
      .run(module, modules);
}

llvm::Error dump(const llvm::Module &module, const std::string &directory) {
  std::error_code error;
  const std::string path = directory + "/90-llvm.ll";
  llvm::raw_fd_ostream file(path, error);
  if (!error) {
    module.print(file, nullptr);
    file.close();
    error = file.error();
    file.clear_error(); // or the stream would end the process
  }
  if (error)
    return llvm::createStringError(path + ": " + error.message());
  return llvm::Error::success();
}
} // namespace

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
emitObject(mlir::ModuleOp module, const Target &target,
           llvm::function_ref<void(llvm::Module &)> extend,
           llvm::ArrayRef<std::string> exported,
           const std::string &dumpDirectory, PhaseTimes *times) {
  auto lap = [&](const char *phase) {
    if (times)
      times->lap(phase);
  };
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  mlir::registerBuiltinDialectTranslation(*module.getContext());
  mlir::registerLLVMDialectTranslation(*module.getContext());

  llvm::Triple triple("x86_64-unknown-linux-gnu");
  std::string problem;
  auto *found = llvm::TargetRegistry::lookupTarget(triple, problem);
  if (!found)
    return llvm::createStringError(problem);
  llvm::TargetOptions options;
  // emit the fused multiply-adds that are meant, and no others
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(
      triple, target.name, target.features, options, llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Default));

  llvm::LLVMContext context;
  auto code = mlir::translateModuleToLLVMIR(module, context);
  if (!code)
    return llvm::createStringError("translation to LLVM IR failed");
  code->setTargetTriple(triple);
  code->setDataLayout(machine->createDataLayout());
  code->setPICLevel(llvm::PICLevel::BigPIC);
  for (auto &function : *code) {
    function.addFnAttr(llvm::Attribute::NoUnwind);
    // loops that fill or copy stay loops: an artifact needs no library
    function.addFnAttr("no-builtins");
    function.addFnAttr("prefer-vector-width",
                       target.lanes == 16 ? "512" : "256");
    // no table of unwinding either: entry points never throw
    function.setUWTableKind(llvm::UWTableKind::None);
  }
  extend(*code);
  for (auto &function : *code)
    if (!function.isDeclaration() &&
        !llvm::is_contained(exported, function.getName()))
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
  lap("translate to LLVM");
  optimise(*code, *machine);
  lap("LLVM's passes");
  if (!dumpDirectory.empty())
    if (auto error = dump(*code, dumpDirectory))
      return error;

  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager emit;
  if (machine->addPassesToEmitFile(emit, stream, nullptr,
                                   llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("this target cannot emit object files");
  emit.run(*code);
  lap("machine code");
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(
      std::move(bytes), "phlox.o", /*RequiresNullTerminator=*/false);
}

} // namespace phlox::cpu
