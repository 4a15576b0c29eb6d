#include "test/compiler/codegen/vector_jit.h"
#include "compiler/codegen/cpu/Object.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include <immintrin.h>
#include <stdexcept>

namespace phlox::test {
namespace {

namespace LLVM = mlir::LLVM;

mlir::Type elementType(mlir::OpBuilder &b, char letter) {
  return letter == 'f'   ? mlir::Type(b.getF32Type())
         : letter == 'u' ? mlir::Type(b.getI64Type())
                         : mlir::Type(b.getI32Type());
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
    for (auto [base, letter] : llvm::zip(bases, body.operands)) {
      mlir::Value value =
          LLVM::LoadOp::create(b, v.vectorOf(elementType(b, letter)),
                               address(base, letter), /*alignment=*/4);
      values.push_back(letter == 'b' ? v.toInteger(value, b.getI1Type())
                                     : value);
    }
    mlir::Value result = body.emit(v, values);
    if (body.result == 'b')
      result = v.toInteger(result, b.getI32Type());
    LLVM::StoreOp::create(b, result,
                          address(entry->getArgument(1), body.result),
                          /*alignment=*/4);
  }
  LLVM::ReturnOp::create(b, mlir::ValueRange{});
}

template <class T> T require(llvm::Expected<T> value) {
  if (!value)
    throw std::runtime_error(llvm::toString(value.takeError()));
  return std::move(*value);
}
void require(llvm::Error error) {
  if (error)
    throw std::runtime_error(llvm::toString(std::move(error)));
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
  mlir::MLIRContext context;
  context.loadDialect<mlir::arith::ArithDialect, mlir::math::MathDialect,
                      mlir::vector::VectorDialect, mlir::scf::SCFDialect,
                      mlir::cf::ControlFlowDialect, LLVM::LLVMDialect>();
  mlir::ImplicitLocOpBuilder b(mlir::UnknownLoc::get(&context), &context);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(b.getLoc());
  b.setInsertionPointToStart(module->getBody());
  std::vector<std::string> names;
  for (const VectorBody &body : bodies) {
    emitBody(b, body, lanes);
    names.push_back(body.name);
  }
  if (failed(mlir::verify(*module)))
    throw std::runtime_error("the emitted module must verify");
  require(cpu::lowerToLlvm(*module));
  auto objects = require(cpu::emitObjects(
      *module, require(cpu::lookupTarget(cpu)), {names, "", ""}));
  std::unique_ptr<llvm::MemoryBuffer> code = std::move(objects.front());

  auto object = require(
      llvm::object::ObjectFile::createObjectFile(code->getMemBufferRef()));
  for (llvm::object::SymbolRef symbol : object->symbols())
    if (require(symbol.getFlags()) & llvm::object::SymbolRef::SF_Undefined)
      undefinedSymbols.push_back(require(symbol.getName()).str());
  std::erase(undefinedSymbols, "");
  if (!runs(cpu))
    return;
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  engine->jit = require(llvm::orc::LLJITBuilder().create());
  require(engine->jit->addObjectFile(std::move(code)));
  for (const std::string &name : names)
    engine->functions[name] =
        require(engine->jit->lookup(name)).toPtr<Function>();
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
