#include "test/compiler/codegen/vector_jit.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include <immintrin.h>
#include <stdexcept>

namespace phlox::test {
namespace {

namespace LLVM = mlir::LLVM;

mlir::Type elementType(mlir::OpBuilder &b, char letter) {
  return letter == 'f'   ? mlir::Type(b.getF32Type())
         : letter == 'i' ? mlir::Type(b.getI32Type())
                         : mlir::Type(b.getI64Type());
}

// void name(ptr operands, ptr result): one loop over a block
void emitBody(mlir::ImplicitLocOpBuilder &b, const VectorBody &body,
              int64_t lanes) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), {pointer, pointer});
  auto function = LLVM::LLVMFuncOp::create(b, body.name, type);
  mlir::OpBuilder::InsertionGuard guard(b);
  mlir::Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  llvm::SmallVector<mlir::Value> bases;
  for (size_t i = 0; i < body.operands.size(); ++i) {
    mlir::Value slot =
        LLVM::GEPOp::create(b, pointer, pointer, entry->getArgument(0),
                            llvm::ArrayRef<LLVM::GEPArg>{int32_t(i)});
    bases.push_back(LLVM::LoadOp::create(b, pointer, slot));
  }
  auto number = [&](int64_t n) -> mlir::Value {
    return mlir::arith::ConstantOp::create(b, b.getI64IntegerAttr(n));
  };
  auto loop = mlir::scf::ForOp::create(b, number(0), number(VectorJit::kBlock),
                                       number(lanes));
  mlir::Value i = loop.getInductionVar();
  auto address = [&](mlir::Value base, char letter) -> mlir::Value {
    return LLVM::GEPOp::create(b, pointer, elementType(b, letter), base,
                               llvm::ArrayRef<LLVM::GEPArg>{i});
  };
  {
    mlir::OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(loop.getBody());
    VectorBuilder v(b, lanes);
    llvm::SmallVector<mlir::Value> values;
    for (auto [base, letter] : llvm::zip(bases, body.operands))
      values.push_back(
          LLVM::LoadOp::create(b, v.vectorOf(elementType(b, letter)),
                               address(base, letter), /*alignment=*/4));
    mlir::Value result = body.emit(v, values);
    LLVM::StoreOp::create(b, result,
                          address(entry->getArgument(1), body.result),
                          /*alignment=*/4);
  }
  LLVM::ReturnOp::create(b, mlir::ValueRange{});
}

void require(bool condition, const std::string &what) {
  if (!condition)
    throw std::runtime_error(what);
}

std::string emit(llvm::Module &module, llvm::TargetMachine &machine,
                 llvm::CodeGenFileType type) {
  llvm::SmallVector<char> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  require(!machine.addPassesToEmitFile(passes, stream, nullptr, type),
          "the target must write objects and assembly");
  passes.run(module);
  return {bytes.data(), bytes.size()};
}

} // namespace

struct VectorJit::Engine {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::map<std::string, Function> functions;
};

bool VectorJit::runs(llvm::StringRef cpu) {
  return cpu != "x86-64-v4" ||
         llvm::sys::getHostCPUFeatures().lookup("avx512vl");
}

VectorJit::VectorJit(llvm::StringRef cpu, int64_t lanes,
                     const std::vector<VectorBody> &bodies)
    : engine(std::make_unique<Engine>()) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::MLIRContext context(registry);
  context.loadDialect<mlir::arith::ArithDialect, mlir::math::MathDialect,
                      mlir::vector::VectorDialect, mlir::scf::SCFDialect,
                      mlir::cf::ControlFlowDialect, LLVM::LLVMDialect>();
  mlir::ImplicitLocOpBuilder b(mlir::UnknownLoc::get(&context), &context);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(b.getLoc());
  b.setInsertionPointToStart(module->getBody());
  for (const VectorBody &body : bodies)
    emitBody(b, body, lanes);
  require(succeeded(mlir::verify(*module)), "the emitted module must verify");

  mlir::PassManager passes(&context);
  passes.addPass(mlir::createSCFToControlFlowPass());
  passes.addPass(mlir::createConvertVectorToLLVMPass());
  passes.addPass(mlir::createConvertMathToLLVMPass());
  passes.addPass(mlir::createArithToLLVMConversionPass());
  passes.addPass(mlir::createConvertControlFlowToLLVMPass());
  passes.addPass(mlir::createReconcileUnrealizedCastsPass());
  require(succeeded(passes.run(*module)), "the module must lower to LLVM");
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> code =
      mlir::translateModuleToLLVMIR(*module, llvmContext);
  require(code != nullptr, "the module must translate to LLVM IR");

  llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  require(target != nullptr, error);
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, cpu, lanes > 8 ? "-prefer-256-bit" : "", llvm::TargetOptions(),
      llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
  for (llvm::Function &function : *code)
    function.addFnAttr("prefer-vector-width", "512");
  code->setTargetTriple(triple);
  code->setDataLayout(machine->createDataLayout());
  assembly = emit(*llvm::CloneModule(*code), *machine,
                  llvm::CodeGenFileType::AssemblyFile);
  std::string bytes = emit(*code, *machine, llvm::CodeGenFileType::ObjectFile);

  llvm::MemoryBufferRef buffer(bytes, "vector_math.o");
  auto object =
      llvm::cantFail(llvm::object::ObjectFile::createObjectFile(buffer));
  for (llvm::object::SymbolRef symbol : object->symbols())
    if (llvm::cantFail(symbol.getFlags()) &
        llvm::object::SymbolRef::SF_Undefined)
      if (llvm::StringRef name = llvm::cantFail(symbol.getName());
          !name.empty())
        undefinedSymbols.push_back(name.str());
  if (!runs(cpu))
    return;
  engine->jit = llvm::cantFail(llvm::orc::LLJITBuilder().create());
  llvm::cantFail(engine->jit->addObjectFile(
      llvm::MemoryBuffer::getMemBufferCopy(bytes, "vector_math.o")));
  for (const VectorBody &body : bodies)
    engine->functions[body.name] =
        llvm::cantFail(engine->jit->lookup(body.name)).toPtr<Function>();
}

VectorJit::~VectorJit() = default;

void VectorJit::call(const std::string &name,
                     const std::vector<const void *> &operands,
                     void *result) const {
  unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | 0x8040); // flush denormals, as compiled programs do
  engine->functions.at(name)(operands.data(), result);
  _mm_setcsr(mode);
}

} // namespace phlox::test
