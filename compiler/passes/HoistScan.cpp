// Moves work that is the same in every iteration out of a scan, which gets its
// result as a constant. Work cheaper than reading the result stays.
#include "compiler/codegen/Lowering.h"
#include "compiler/passes/Passes.h"
#include "compiler/passes/Work.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace phlox {
#define GEN_PASS_DEF_HOISTSCAN
#include "compiler/passes/Passes.h.inc"

namespace {

// FLOPs that moving a value must save, in all and per element that is then read
constexpr double kFewestFlops = 2e4, kFewestPerElement = 8;

class Hoister {
public:
  Hoister(ScanOp scan, double leastGain)
      : scan(scan), body(scan.getBody().front()), leastGain(leastGain) {}

  void run() {
    findInvariant();
    llvm::SetVector<Value> moving = findWorthwhile();
    for (Value value : moving)
      move(value);
    dropUnused();
  }

private:
  bool isInvariant(Value value) const { return invariant.contains(value); }

  void findInvariant() {
    for (mlir::BlockArgument argument :
         body.getArguments().take_back(scan.getConstants().size()))
      invariant.insert(argument);
    for (mlir::Operation &op : body.without_terminator())
      if (llvm::all_of(op.getOperands(),
                       [&](Value x) { return isInvariant(x); }))
        for (Value result : op.getResults())
          invariant.insert(result);
  }

  // FLOPs of what a value is computed from
  double costOf(Value value) const {
    double cost = 0;
    SmallVector<Value> work{value};
    llvm::DenseSet<mlir::Operation *> seen;
    while (!work.empty()) {
      auto *op = work.pop_back_val().getDefiningOp();
      if (!op || !seen.insert(op).second)
        continue;
      cost += flopsOf(op);
      llvm::append_range(work, op->getOperands());
    }
    return cost;
  }

  // what iterations read, from the last op back: a value that does not pay
  // stays, and so its operands are read
  llvm::SetVector<Value> findWorthwhile() {
    llvm::SetVector<Value> worthwhile;
    llvm::DenseSet<mlir::Operation *> staying;
    for (mlir::Operation &op : llvm::reverse(body)) {
      bool varies = llvm::any_of(op.getOperands(),
                                 [&](Value x) { return !isInvariant(x); });
      if (varies || op.hasTrait<mlir::OpTrait::IsTerminator>()) {
        staying.insert(&op);
        continue;
      }
      if (llvm::none_of(op.getUsers(), [&](mlir::Operation *user) {
            return staying.contains(user);
          }))
        continue;
      double cost = flopsOf(&op) ? costOf(op.getResult(0)) : 0, elements = 0;
      for (Value result : op.getResults())
        elements += double(tensorType(result).getNumElements());
      bool pays = cost > 0 &&
                  cost * double(scan.getLength() - 1) >=
                      std::max(1.0, leastGain * kFewestFlops) &&
                  cost >= leastGain * kFewestPerElement * elements;
      if (!pays) {
        staying.insert(&op);
        continue;
      }
      for (Value result : op.getResults())
        worthwhile.insert(result);
    }
    return worthwhile;
  }

  Value outside(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    if (auto argument = mlir::dyn_cast<mlir::BlockArgument>(value)) {
      size_t first = scan.getInits().size() + scan.getXs().size();
      return scan.getConstants()[argument.getArgNumber() - first];
    }
    auto *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      mapping.map(operand, outside(operand));
    mlir::OpBuilder before(scan);
    before.clone(*op, mapping);
    return mapping.lookup(value);
  }

  void move(Value value) {
    Value computed = outside(value);
    scan.getConstantsMutable().append(computed);
    Value argument = body.addArgument(value.getType(), value.getLoc());
    value.replaceAllUsesWith(argument);
  }

  void dropUnused() {
    for (mlir::Operation &op :
         llvm::make_early_inc_range(llvm::reverse(body.getOperations())))
      if (!op.hasTrait<mlir::OpTrait::IsTerminator>() && op.use_empty())
        op.erase();
    unsigned first = scan.getInits().size() + scan.getXs().size();
    for (unsigned i = scan.getConstants().size(); i-- > 0;)
      if (body.getArgument(first + i).use_empty()) {
        body.eraseArgument(first + i);
        scan.getConstantsMutable().erase(i);
      }
  }

  ScanOp scan;
  mlir::Block &body;
  double leastGain;
  llvm::DenseSet<Value> invariant;
  mlir::IRMapping mapping;
};

struct HoistScan : impl::HoistScanBase<HoistScan> {
  using HoistScanBase::HoistScanBase;
  void runOnOperation() override {
    // inner scans first: what leaves them may leave the outer one too
    getOperation()->walk<mlir::WalkOrder::PostOrder>(
        [&](ScanOp scan) { Hoister(scan, leastGain).run(); });
  }
};

} // namespace
} // namespace phlox
