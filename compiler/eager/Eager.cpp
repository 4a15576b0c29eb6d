#include "compiler/eager/Eager.h"
#include "compiler/codegen/Lowering.h"
#include "compiler/codegen/cpu/Plan.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace phlox {

namespace {
class EagerBuilder {
public:
  EagerBuilder(mlir::ModuleOp kernels) : kernels(kernels) {
    for (auto function : kernels.getOps<mlir::func::FuncOp>())
      known[textOf(function)] = function.getSymName().str();
  }

  EagerEntry run(mlir::func::FuncOp function) {
    auto &block = function.getBody().front();
    for (auto argument : block.getArguments()) {
      unsigned i = argument.getArgNumber();
      auto leaf = function.getArgAttrOfType<mlir::StringAttr>(i, kLeafAttr);
      auto input = function.getArgAttrOfType<mlir::StringAttr>(i, kInputAttr);
      entry.arguments.push_back(
          {(leaf ? leaf : input).str(), bool(leaf), slot(argument)});
    }
    emitBlock(block, entry.steps);
    for (auto [i, value] :
         llvm::enumerate(block.getTerminator()->getOperands())) {
      auto leaf = function.getResultAttrOfType<mlir::StringAttr>(i, kLeafAttr);
      auto output =
          function.getResultAttrOfType<mlir::StringAttr>(i, kOutputAttr);
      entry.results.push_back({(leaf ? leaf : output).str(), bool(leaf),
                               materialised(value, entry.steps)});
    }
    return std::move(entry);
  }

private:
  int slot(Value value) {
    auto [place, isNew] = slots.try_emplace(value, int(entry.slots.size()));
    if (isNew)
      entry.slots.push_back(
          {tensorType(value), cpu::tensorBytes(tensorType(value))});
    return place->second;
  }

  // constants of one number and rearrangements cost an eager framework nothing
  static bool isView(mlir::Operation *op) {
    if (auto constant = mlir::dyn_cast<ConstantOp>(op))
      return mlir::cast<mlir::DenseElementsAttr>(constant.getValue()).isSplat();
    if (mlir::isa<ScanOp>(op))
      return false;
    Lowering lowering;
    mlir::cast<Rules>(op).lower(lowering);
    return lowering.indexMap || lowering.isAlias;
  }

  void emitBlock(mlir::Block &block, std::vector<EagerStep> &steps) {
    for (auto &op : block) {
      if (op.hasTrait<mlir::OpTrait::IsTerminator>() || isView(&op))
        continue;
      if (auto scan = mlir::dyn_cast<ScanOp>(op))
        emitScan(scan, steps);
      else
        emitOp(&op, steps);
    }
  }

  // adds the views that `value` is made of to the kernel; returns its copy
  Value clone(Value value, mlir::OpBuilder &builder, mlir::IRMapping &mapping,
              mlir::Block &body, SmallVector<Value> &operands) {
    if (Value done = mapping.lookupOrNull(value))
      return done;
    auto *op = value.getDefiningOp();
    if (op && isView(op)) {
      for (Value operand : op->getOperands())
        clone(operand, builder, mapping, body, operands);
      builder.clone(*op, mapping);
      return mapping.lookup(value);
    }
    operands.push_back(value);
    mapping.map(value,
                body.addArgument(value.getType(), builder.getUnknownLoc()));
    return mapping.lookup(value);
  }

  static std::string textOf(mlir::func::FuncOp function) {
    std::string text;
    llvm::raw_string_ostream os(text);
    for (auto &op : function.getBody().front())
      op.print(os, mlir::OpPrintingFlags().useLocalScope()), os << "\n";
    for (auto argument : function.getArguments())
      os << argument.getType();
    return text;
  }

  // makes a function of one op (null: of views alone) and dispatches it
  void emitKernel(mlir::Operation *op, mlir::ValueRange values,
                  std::vector<EagerStep> &steps,
                  llvm::ArrayRef<int> resultSlots) {
    auto *context = kernels.getContext();
    mlir::OpBuilder builder(context);
    auto loc = builder.getUnknownLoc();
    auto function =
        mlir::func::FuncOp::create(loc, "op_" + std::to_string(known.size()),
                                   builder.getFunctionType({}, {}));
    auto *body = function.addEntryBlock();
    builder.setInsertionPointToEnd(body);
    mlir::IRMapping mapping;
    SmallVector<Value> operands, results;
    if (op) {
      for (Value operand : op->getOperands())
        clone(operand, builder, mapping, *body, operands);
      auto *copy = builder.clone(*op, mapping);
      llvm::append_range(results, copy->getResults());
    } else {
      for (Value value : values)
        results.push_back(clone(value, builder, mapping, *body, operands));
    }
    mlir::func::ReturnOp::create(builder, loc, results);
    function.setFunctionType(builder.getFunctionType(
        body->getArgumentTypes(), mlir::ValueRange(results).getTypes()));
    for (unsigned i = 0; i < operands.size(); i++)
      function.setArgAttr(i, kInputAttr,
                          builder.getStringAttr("x" + std::to_string(i)));
    for (unsigned i = 0; i < results.size(); i++)
      function.setResultAttr(i, kOutputAttr,
                             builder.getStringAttr("y" + std::to_string(i)));
    auto [place, isNew] =
        known.try_emplace(textOf(function), function.getSymName().str());
    if (isNew)
      kernels.push_back(function);
    else
      function.erase();
    EagerStep step;
    step.entry = place->second;
    for (Value operand : operands)
      step.operands.push_back(slot(operand));
    step.results.assign(resultSlots.begin(), resultSlots.end());
    steps.push_back(std::move(step));
  }

  void emitOp(mlir::Operation *op, std::vector<EagerStep> &steps) {
    SmallVector<int> results;
    for (Value result : op->getResults())
      results.push_back(slot(result));
    emitKernel(op, {}, steps, results);
  }

  // a slot that holds the value, copying where it is a view
  int materialised(Value value, std::vector<EagerStep> &steps) {
    if (!value.getDefiningOp() || !isView(value.getDefiningOp()))
      return slot(value);
    if (slots.contains(value))
      return slot(value);
    int made = entry.slots.size();
    entry.slots.push_back(
        {tensorType(value), cpu::tensorBytes(tensorType(value))});
    emitKernel(nullptr, value, steps, {made});
    return made;
  }

  void emitScan(ScanOp scan, std::vector<EagerStep> &steps) {
    auto &block = scan.getBody().front();
    EagerStep step;
    step.length = scan.getLength();
    step.reverse = scan.getReverse();
    unsigned carries = scan.getInits().size(), xs = scan.getXs().size();
    SmallVector<int> inits, stacks;
    for (Value init : scan.getInits())
      inits.push_back(materialised(init, steps));
    for (Value x : scan.getXs())
      stacks.push_back(materialised(x, steps));
    for (unsigned i = 0; i < scan.getConstants().size(); i++)
      slots[block.getArgument(carries + xs + i)] =
          materialised(scan.getConstants()[i], steps);
    emitBlock(block, step.body);
    auto yields = block.getTerminator()->getOperands();
    for (unsigned i = 0; i < carries; i++) {
      int yielded = materialised(yields[i], step.body);
      step.carries.push_back({inits[i], slot(block.getArgument(i)), yielded,
                              slot(scan.getCarries()[i])});
    }
    for (unsigned i = 0; i < xs; i++)
      step.xs.push_back({stacks[i], slot(block.getArgument(carries + i))});
    for (unsigned i = 0; i < scan.getYs().size(); i++) {
      int inside = materialised(yields[carries + i], step.body);
      step.ys.push_back({slot(scan.getYs()[i]), inside});
    }
    steps.push_back(std::move(step));
  }

  mlir::ModuleOp kernels;
  llvm::StringMap<std::string> known;
  llvm::DenseMap<Value, int> slots;
  EagerEntry entry;
};
} // namespace

llvm::Expected<EagerEntry> makeEager(mlir::ModuleOp program,
                                     llvm::StringRef name,
                                     mlir::ModuleOp kernels) {
  auto *context = program.getContext();
  mlir::OwningOpRef<mlir::ModuleOp> graph(
      mlir::cast<mlir::ModuleOp>(program->clone()));
  // what is never used, or written twice, costs the baseline nothing
  mlir::PassManager passes(context);
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  if (mlir::failed(passes.run(*graph)))
    return llvm::createStringError("simplification failed");
  auto function = graph->lookupSymbol<mlir::func::FuncOp>(name);
  if (!function)
    return llvm::createStringError("entry point '" + name +
                                   "' is not in the program");
  return EagerBuilder(kernels).run(function);
}

} // namespace phlox
