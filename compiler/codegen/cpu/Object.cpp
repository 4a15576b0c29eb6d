#include "compiler/codegen/cpu/Object.h"
#include "compiler/codegen/cpu/LowerAmx.h"
#include "compiler/codegen/cpu/Partition.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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
#include "llvm/Support/ThreadPool.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

namespace phlox::cpu {

llvm::Error lowerToLlvm(mlir::ModuleOp module, Amx amx) {
  if (amx != Amx::off)
    if (auto error = lowerAmx(module, amx))
      return error;
  mlir::PassManager passes(module.getContext());
  // functions side by side
  auto &each = passes.nest<mlir::LLVM::LLVMFuncOp>();
  // constants and index arithmetic of the emitters repeat themselves
  each.addPass(mlir::createCanonicalizerPass());
  each.addPass(mlir::createCSEPass());
  each.addPass(mlir::createSCFToControlFlowPass());
  each.addPass(mlir::createConvertVectorToLLVMPass());
  each.addPass(mlir::createConvertMathToLLVMPass());
  each.addPass(mlir::createArithToLLVMConversionPass());
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

llvm::Error dump(const llvm::Module &module, const std::string &path) {
  std::error_code error;
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

const llvm::Triple kTriple("x86_64-unknown-linux-gnu");

// one LLVM module on its way to an object; threads share nothing
struct Part {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::Module> code;
  llvm::SmallVector<char, 0> bytes;
  PhaseTimes times;
  bool emitted = false;

  void compile() {
    times = {};
    optimise(*code, *machine);
    times.lap("LLVM's passes");
    llvm::raw_svector_ostream stream(bytes);
    llvm::legacy::PassManager emit;
    if (machine->addPassesToEmitFile(emit, stream, nullptr,
                                     llvm::CodeGenFileType::ObjectFile))
      return;
    emit.run(*code);
    emitted = true;
    times.lap("machine code");
  }
};

void setAttributes(llvm::Module &code, const Target &target,
                   const ObjectOptions &options) {
  for (auto &function : code) {
    function.addFnAttr(llvm::Attribute::NoUnwind);
    // loops that fill or copy stay loops: an artifact needs no library
    function.addFnAttr("no-builtins");
    function.addFnAttr("prefer-vector-width",
                       target.lanes == 16 ? "512" : "256");
    // no table of unwinding either: entry points never throw
    function.setUWTableKind(llvm::UWTableKind::None);
    if (function.isDeclaration() || function.hasHiddenVisibility())
      continue;
    if (!llvm::is_contained(options.exported, function.getName())) {
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
    } else if (!options.tag.empty()) {
      function.setVisibility(llvm::GlobalValue::HiddenVisibility);
      function.setName(tagSymbol(function.getName(), options.tag));
    }
  }
}

// an empty part for a target
llvm::Expected<Part> makePart(const Target &target) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  std::string problem;
  auto *found = llvm::TargetRegistry::lookupTarget(kTriple, problem);
  if (!found)
    return llvm::createStringError(problem);
  llvm::TargetOptions options;
  // emit the fused multiply-adds that are meant, and no others
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  Part part;
  part.machine.reset(found->createTargetMachine(
      kTriple, target.cpu, target.features, options, llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Default));
  part.context = std::make_unique<llvm::LLVMContext>();
  return part;
}

void finish(Part &part, std::unique_ptr<llvm::Module> code) {
  part.code = std::move(code);
  part.code->setTargetTriple(kTriple);
  part.code->setDataLayout(part.machine->createDataLayout());
  part.code->setPICLevel(llvm::PICLevel::BigPIC);
  part.code->setSourceFileName("phlox");
}

llvm::Expected<Object> objectOf(Part &part) {
  if (!part.emitted)
    return llvm::createStringError("this target cannot emit object files");
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(
      std::move(part.bytes), "phlox.o", /*RequiresNullTerminator=*/false);
}
} // namespace

llvm::Expected<std::vector<Object>> emitObjects(mlir::ModuleOp module,
                                                const Target &target,
                                                const ObjectOptions &options,
                                                PhaseTimes *times) {
  mlir::registerBuiltinDialectTranslation(*module.getContext());
  mlir::registerLLVMDialectTranslation(*module.getContext());
  auto modules = partition(module, options.exported, options.tag);
  std::vector<Part> parts;
  for (int i = -1; i < int(modules.size()); i++) {
    auto part = makePart(target);
    if (!part)
      return part.takeError();
    auto code = mlir::translateModuleToLLVMIR(i < 0 ? module : *modules[i],
                                              *part->context);
    if (!code)
      return llvm::createStringError("translation to LLVM IR failed");
    finish(*part, std::move(code));
    setAttributes(*part->code, target, options);
    parts.push_back(std::move(*part));
  }
  if (times)
    times->lap("translate to LLVM");
  {
    llvm::DefaultThreadPool pool(llvm::optimal_concurrency(parts.size()));
    for (Part &part : parts)
      pool.async([&part] { part.compile(); });
    pool.wait();
  }
  if (times) {
    for (const Part &part : parts)
      times->gather(part.times);
    times->lapGathered();
  }
  std::vector<Object> objects;
  for (auto [i, part] : llvm::enumerate(parts)) {
    if (!options.dump.empty())
      if (auto error =
              dump(*part.code,
                   options.dump + (i ? "-" + std::to_string(i) : "") + ".ll"))
        return error;
    auto object = objectOf(part);
    if (!object)
      return object.takeError();
    objects.push_back(std::move(*object));
  }
  return objects;
}

llvm::Expected<Object>
emitTable(llvm::function_ref<void(llvm::Module &)> fill) {
  auto part = makePart({}); // any machine reads it
  if (!part)
    return part.takeError();
  finish(*part, std::make_unique<llvm::Module>("phlox", *part->context));
  fill(*part->code);
  part->compile();
  return objectOf(*part);
}

std::string tagSymbol(llvm::StringRef name, llvm::StringRef tag) {
  name.consume_front("phlox_");
  return ("phlox_" + tag + "_" + name).str();
}

} // namespace phlox::cpu
