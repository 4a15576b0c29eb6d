// Functions of one entry point: kernels, phases that share their tasks among
// threads, and the entry function that runs phases and scans in order.
#include "compiler/codegen/cpu/Emit.h"
#include "compiler/codegen/cpu/Planner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "phlox/executable.h"

namespace phlox::cpu {
namespace LLVM = mlir::LLVM;
namespace arith = mlir::arith;

std::string entrySymbol(llvm::StringRef name) {
  return ("phlox_entry_" + name).str();
}
static std::string entryName(const Plan &plan) {
  return mlir::cast<mlir::func::FuncOp>(plan.function).getSymName().str();
}
std::string constantName(const Plan &plan, int64_t number) {
  return "phlox_constant_" + entryName(plan) + "_" + std::to_string(number);
}

namespace {
// below this a phase runs on the calling thread: waking others costs as much
constexpr double kParallelNanoseconds = 4000;
// of a bundle of tasks, which a thread takes at a time
constexpr double kBundleNanoseconds = 4000;
constexpr int64_t kMostBundles = 256;

class EntryEmitter {
public:
  EntryEmitter(Plan &plan, const Target &target, mlir::ModuleOp module,
               SharedCode &shared)
      : plan(plan), target(target), module(module), shared(shared),
        b(module.getLoc(), module.getContext()), name(entryName(plan)),
        pointer(LLVM::LLVMPointerType::get(module.getContext())) {}

  void run() {
    emitConstants();
    b.setInsertionPointToEnd(module.getBody());
    auto entry =
        function(entrySymbol(name), {pointer}, LLVM::Linkage::External);
    auto *block = entry.addEntryBlock(b);
    b.setInsertionPointToStart(block);
    call = block->getArgument(0);
    int64_t depth = deepest(*plan.region);
    auto i64 = b.getI64Type();
    loops = depth ? LLVM::AllocaOp::create(b, pointer, i64, number(depth), 8)
                        .getResult()
                  : LLVM::ZeroOp::create(b, pointer).getResult();
    emitRegion(*plan.region);
    LLVM::ReturnOp::create(b, mlir::ValueRange{});
  }

private:
  Value number(int64_t value) {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  }

  LLVM::LLVMFuncOp function(const std::string &symbol,
                            ArrayRef<mlir::Type> arguments,
                            LLVM::Linkage linkage) {
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(b.getContext()), arguments);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(module.getBody());
    return LLVM::LLVMFuncOp::create(b, symbol, type, linkage);
  }

  void emitConstants() {
    b.setInsertionPointToStart(module.getBody());
    for (auto [i, elements] : llvm::enumerate(plan.constants)) {
      auto type = elements.getType();
      auto element = type.getElementType();
      mlir::Type stored =
          element.isInteger(1) ? mlir::Type(b.getI8Type()) : element;
      auto flat = RankedTensorType::get({type.getNumElements()}, stored);
      mlir::DenseElementsAttr value;
      if (element.isInteger(1)) {
        SmallVector<int8_t> bytes;
        for (bool bit : elements.getValues<bool>())
          bytes.push_back(bit);
        value = mlir::DenseElementsAttr::get(flat, ArrayRef<int8_t>(bytes));
      } else {
        value = elements.reshape(flat);
      }
      LLVM::GlobalOp::create(
          b, LLVM::LLVMArrayType::get(stored, type.getNumElements()),
          /*isConstant=*/true, LLVM::Linkage::Internal, constantName(plan, i),
          value, /*alignment=*/64);
    }
  }

  static int64_t deepest(const Region &region) {
    int64_t depth = region.depth;
    for (auto &kernel : region.kernels)
      if (kernel->body)
        depth = std::max(depth, deepest(*kernel->body));
    return depth;
  }

  // a function that finds the addresses and hands them to the kernel's code
  void emitKernel(Kernel &kernel) {
    mlir::OpBuilder::InsertionGuard guard(b);
    static constexpr const char *kinds[] = {"map", "matmul", "reduce",
                                            "own", "scan",   "pack"};
    kernel.name = "phlox_" + name + "_" + std::to_string(kernelCount++) + "_" +
                  kinds[kernel.kind];
    auto wrapper = function(kernel.name, {pointer, pointer, b.getI64Type()},
                            LLVM::Linkage::Internal);
    wrapper.setNoInline(true);
    b.setInsertionPointToStart(wrapper.addEntryBlock(b));
    KernelBuilder k(b, target.lanes);
    Value kernelCall = wrapper.getArgument(0), task = wrapper.getArgument(2);
    Value begin = kernel.record < 0 ? Value() : readCounter();
    auto arguments = emitAddresses(plan, kernel, k, kernelCall,
                                   wrapper.getArgument(1), task);
    arguments.push_back(task);
    auto code = emitCode(kernel, arguments.size());
    LLVM::CallOp::create(b, mlir::TypeRange{}, code.getSymName(), arguments);
    if (begin)
      emitRecord(kernel, k, kernelCall, task, begin);
    LLVM::ReturnOp::create(b, mlir::ValueRange{});
  }

  // the kernel's code as a function of addresses and the task's number
  LLVM::LLVMFuncOp emitCode(Kernel &kernel, size_t arguments) {
    mlir::OpBuilder::InsertionGuard guard(b);
    SmallVector<mlir::Type> types(arguments, pointer);
    types.back() = b.getI64Type();
    auto code = function(kernel.name + "_code", types, LLVM::Linkage::Internal);
    code.setNoInline(true);
    if (writesApart(plan, kernel))
      code.setArgAttr(arguments - 2, LLVM::LLVMDialect::getNoAliasAttrName(),
                      b.getUnitAttr());
    b.setInsertionPointToStart(code.addEntryBlock(b));
    KernelBuilder k(b, target.lanes);
    emitBody(kernel, k, code.getArguments().drop_back(),
             code.getArguments().back());
    LLVM::ReturnOp::create(b, mlir::ValueRange{});
    auto same = shared.find(code);
    if (same != code)
      code.erase();
    return same;
  }

  Value readCounter() {
    return LLVM::CallIntrinsicOp::create(
               b, b.getI64Type(), b.getStringAttr("llvm.readcyclecounter"),
               mlir::ValueRange{})
        .getResult(0);
  }

  Value loadPointer(Value base, int32_t offset) {
    auto at = LLVM::GEPOp::create(b, pointer, b.getI8Type(), base,
                                  ArrayRef<LLVM::GEPArg>{offset});
    return LLVM::LoadOp::create(b, pointer, at);
  }

  // call->record(call->recorder, kernel, task, begin, now), if there is one
  void emitRecord(const Kernel &kernel, KernelBuilder &k, Value kernelCall,
                  Value task, Value begin) {
    Value end = readCounter();
    Value record = loadPointer(kernelCall, offsetof(phlox_call, record));
    Value wanted =
        LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, record,
                             LLVM::ZeroOp::create(b, pointer).getResult());
    k.when(wanted, [&] {
      auto i64 = b.getI64Type();
      auto type =
          LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                      {pointer, b.getI32Type(), i64, i64, i64});
      Value id = arith::ConstantOp::create(
          b, b.getI32IntegerAttr(int32_t(kernel.record)));
      Value recorder = loadPointer(kernelCall, offsetof(phlox_call, recorder));
      LLVM::CallOp::create(
          b, type, mlir::ValueRange{record, recorder, id, task, begin, end});
    });
  }

  void emitBody(Kernel &kernel, KernelBuilder &k, mlir::ValueRange addresses,
                Value task) {
    switch (kernel.kind) {
    case Kernel::Elementwise:
      emitElementwise(plan, kernel, k, addresses, task);
      break;
    case Kernel::Reduce:
      emitReduce(plan, kernel, k, addresses, task);
      break;
    case Kernel::Matmul:
      emitMatmul(plan, kernel, k, target, addresses, task);
      break;
    case Kernel::Pack:
      emitPack(plan, kernel, k, target, addresses, task);
      break;
    default: {
      Expression expression(plan, kernel, k, {});
      expression.setBases(addresses);
      for (Value operand : kernel.anchor->getOperands()) {
        k.operands.push_back(expression.base(plan.places[operand]));
        k.operandTypes.push_back(tensorType(operand));
      }
      k.result = expression.base(kernel.target);
      k.resultType = tensorType(kernel.root);
      expression.guarded(
          [&] { loweringOf(plan, kernel.anchor).own->emit(k, task); });
    }
    }
  }

  // a function of a phase: a kernel, or a chain
  struct Part {
    std::string name;
    int64_t tasks;
    double cost;
  };

  void callPart(const std::string &part, Value kernelCall, Value kernelLoops,
                Value task) {
    LLVM::CallOp::create(b, mlir::TypeRange{}, part,
                         mlir::ValueRange{kernelCall, kernelLoops, task});
  }

  // a function whose tasks are some tiles each: all kernels on a tile, then
  // the next tile
  Part emitChain(Region &region, const Chain &chain) {
    for (unsigned index : chain.kernels)
      emitKernel(*region.kernels[index]);
    mlir::OpBuilder::InsertionGuard guard(b);
    std::string symbol =
        "phlox_" + name + "_chain_" + std::to_string(chainCount++);
    auto code = function(symbol, {pointer, pointer, b.getI64Type()},
                         LLVM::Linkage::Internal);
    code.setNoInline(true);
    b.setInsertionPointToStart(code.addEntryBlock(b));
    KernelBuilder k(b, target.lanes);
    Value from = k.mul(code.getArgument(2), chain.tilesPerTask);
    Value to = arith::MinSIOp::create(b, k.add(from, chain.tilesPerTask),
                                      k.i64(chain.tiles));
    k.loop(from, to, 1, [&](Value tile) {
      for (unsigned index : chain.kernels)
        callPart(region.kernels[index]->name, code.getArgument(0),
                 code.getArgument(1), tile);
    });
    LLVM::ReturnOp::create(b, mlir::ValueRange{});
    return {symbol, chain.tasks(), chain.cost};
  }

  // a function whose task numbers run through all tasks of all parts
  std::string emitTasks(ArrayRef<Part> parts) {
    if (parts.size() == 1)
      return parts[0].name;
    mlir::OpBuilder::InsertionGuard guard(b);
    std::string symbol =
        "phlox_" + name + "_tasks_" + std::to_string(phaseCount);
    auto code = function(symbol, {pointer, pointer, b.getI64Type()},
                         LLVM::Linkage::Internal);
    auto *block = code.addEntryBlock(b);
    Value index = block->getArgument(2);
    int64_t first = 0;
    for (auto [i, part] : llvm::enumerate(parts)) {
      b.setInsertionPointToEnd(block);
      auto callHere = [&] {
        Value task = arith::SubIOp::create(b, index, number(first));
        callPart(part.name, code.getArgument(0), code.getArgument(1), task);
        LLVM::ReturnOp::create(b, mlir::ValueRange{});
      };
      if (i + 1 == parts.size()) {
        callHere();
        break;
      }
      auto *here = b.createBlock(&code.getBody());
      auto *next = b.createBlock(&code.getBody());
      b.setInsertionPointToEnd(block);
      Value mine = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, index,
                                         number(first + part.tasks));
      LLVM::CondBrOp::create(b, mine, here, next);
      b.setInsertionPointToEnd(here);
      callHere();
      first += part.tasks;
      block = next;
    }
    return symbol;
  }

  // Bundles of about equal cost, so that threads that take equal numbers of
  // them end together: where each begins among the tasks, and the end.
  static SmallVector<int32_t> bundlesOf(ArrayRef<Part> parts) {
    int64_t tasks = 0;
    double cost = 0;
    for (auto &part : parts)
      tasks += part.tasks, cost += part.cost;
    int64_t count = std::clamp<int64_t>(int64_t(cost / kBundleNanoseconds), 1,
                                        std::min(tasks, kMostBundles));
    SmallVector<int32_t> begins{0};
    double before = 0;
    int32_t task = 0;
    for (auto &part : parts)
      for (int64_t i = 0; i < part.tasks; i++, task++) {
        double middle = before + part.cost / double(part.tasks) / 2;
        while (int64_t(begins.size()) < count &&
               middle >= cost * double(begins.size()) / double(count))
          begins.push_back(task);
        before += part.cost / double(part.tasks);
      }
    begins.resize(count + 1, task);
    return begins;
  }

  // a function of a bundle's number
  std::string emitPhase(ArrayRef<Part> parts, ArrayRef<int32_t> bundles) {
    std::string tasks = emitTasks(parts);
    mlir::OpBuilder::InsertionGuard guard(b);
    std::string symbol =
        "phlox_" + name + "_phase_" + std::to_string(phaseCount++);
    b.setInsertionPointToEnd(module.getBody());
    auto i32 = b.getI32Type();
    auto values = mlir::DenseElementsAttr::get(
        RankedTensorType::get({int64_t(bundles.size())}, i32), bundles);
    auto table = LLVM::GlobalOp::create(
        b, LLVM::LLVMArrayType::get(i32, bundles.size()), /*isConstant=*/true,
        LLVM::Linkage::Internal, symbol + "_begins", values);
    auto code = function(symbol, {pointer, pointer, b.getI64Type()},
                         LLVM::Linkage::Internal);
    b.setInsertionPointToStart(code.addEntryBlock(b));
    KernelBuilder k(b, target.lanes);
    Value begins = LLVM::AddressOfOp::create(b, table);
    auto beginOf = [&](Value bundle) -> Value {
      auto at = LLVM::GEPOp::create(b, pointer, i32, begins,
                                    ArrayRef<LLVM::GEPArg>{bundle});
      return arith::ExtUIOp::create(b, b.getI64Type(),
                                    LLVM::LoadOp::create(b, i32, at));
    };
    Value bundle = code.getArgument(2);
    k.loop(beginOf(bundle), beginOf(k.add(bundle, 1)), 1, [&](Value task) {
      callPart(tasks, code.getArgument(0), code.getArgument(1), task);
    });
    LLVM::ReturnOp::create(b, mlir::ValueRange{});
    return symbol;
  }

  void emitStep(Region &region, const Step &step) {
    SmallVector<Part> parts;
    int64_t tasks = 0;
    double cost = 0;
    for (unsigned index : step.kernels) {
      auto &kernel = *region.kernels[index];
      if (kernel.chain) {
        parts.push_back(emitChain(region, *kernel.chain));
      } else {
        emitKernel(kernel);
        parts.push_back({kernel.name, kernel.tasks, kernel.cost});
      }
      tasks += parts.back().tasks;
      cost += parts.back().cost;
    }
    if (tasks == 1 || cost < kParallelNanoseconds) {
      for (auto &part : parts)
        for (int64_t task = 0; task < part.tasks; task++)
          callPart(part.name, call, loops, number(task));
      return;
    }
    auto bundles = bundlesOf(parts);
    std::string symbol = emitPhase(parts, bundles);
    Value parallelFor = loadPointer(call, offsetof(phlox_call, parallel_for));
    Value task = LLVM::AddressOfOp::create(b, pointer, symbol);
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(b.getContext()),
        {pointer, pointer, pointer, b.getI64Type()});
    LLVM::CallOp::create(b, type,
                         mlir::ValueRange{parallelFor, call, task, loops,
                                          number(int64_t(bundles.size()) - 1)});
  }

  // a branch that is taken where the scan's guard holds
  mlir::Block *emitGuard(Kernel &scan) {
    KernelBuilder k(b, target.lanes);
    Kernel reader;
    reader.reads.insert(scan.guard);
    reader.target = plan.places[scan.guard];
    Expression expression(plan, reader, k, {});
    expression.setBases(emitAddresses(plan, reader, k, call, loops, Value()));
    Value holds = k.loadScalar(expression.base(plan.places[scan.guard]),
                               k.i64(0), b.getI1Type());
    return mlir::scf::IfOp::create(b, holds, /*withElse=*/false).thenBlock();
  }

  void emitRegion(Region &region) {
    for (auto &step : region.steps) {
      if (!step.isScan) {
        emitStep(region, step);
        continue;
      }
      auto &scan = *region.kernels[step.kernels[0]];
      auto &body = *scan.body;
      mlir::OpBuilder::InsertionGuard outer(b);
      if (scan.guard)
        b.setInsertionPointToStart(emitGuard(scan));
      auto loop = mlir::scf::ForOp::create(b, number(0), number(body.length),
                                           number(1));
      mlir::OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value index = loop.getInductionVar();
      if (body.reverse)
        index = arith::SubIOp::create(b, number(body.length - 1), index);
      auto slot =
          LLVM::GEPOp::create(b, pointer, b.getI64Type(), loops,
                              ArrayRef<LLVM::GEPArg>{int32_t(body.depth - 1)});
      LLVM::StoreOp::create(b, index, slot);
      emitRegion(body);
    }
  }

  Plan &plan;
  const Target &target;
  mlir::ModuleOp module;
  SharedCode &shared;
  mlir::ImplicitLocOpBuilder b;
  std::string name;
  mlir::Type pointer;
  Value call, loops;
  int kernelCount = 0, chainCount = 0, phaseCount = 0;
};
} // namespace

void emitPlan(Plan &plan, const Target &target, mlir::ModuleOp module,
              SharedCode &shared) {
  EntryEmitter(plan, target, module, shared).run();
}

} // namespace phlox::cpu
