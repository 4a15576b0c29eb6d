#include "compiler/codegen/cpu/Guards.h"
#include "compiler/codegen/Lowering.h"
#include "llvm/ADT/SetVector.h"

namespace phlox::cpu {
namespace {

using Conditions = llvm::SmallSetVector<Value, 2>;

// follows broadcasts and reshapes to the scalar that fills all elements
Value scalarOf(Value value) {
  while (auto *op = value.getDefiningOp()) {
    if (mlir::isa<ScanOp>(op) || op->getNumOperands() != 1)
      break;
    Lowering lowering;
    mlir::cast<Rules>(op).lower(lowering);
    if (!lowering.indexMap && !lowering.isAlias)
      break;
    value = op->getOperand(0);
  }
  return tensorType(value).getNumElements() == 1 ? value : Value();
}

// comparisons of counters that must hold for `condition` to hold
void collect(Value condition, Conditions &atoms) {
  if (!condition)
    return;
  auto *op = condition.getDefiningOp();
  if (auto both = mlir::dyn_cast_or_null<LogicalAndOp>(op)) {
    collect(scalarOf(both.getLhs()), atoms);
    collect(scalarOf(both.getRhs()), atoms);
  } else if (auto compare = mlir::dyn_cast_or_null<CompareOp>(op)) {
    if (tensorType(compare.getLhs()).getElementType().isInteger(64) &&
        tensorType(condition).getRank() == 0)
      atoms.insert(condition);
  }
}

// what must hold, beside what the user itself needs, for it to read an operand
Conditions extraOf(mlir::OpOperand &use) {
  Conditions atoms;
  auto *user = use.getOwner();
  if (auto select = mlir::dyn_cast<SelectOp>(user)) {
    if (use.getOperandNumber() == 1)
      collect(scalarOf(select.getCondition()), atoms);
  } else if (auto both = mlir::dyn_cast<LogicalAndOp>(user)) {
    collect(
        scalarOf(use.getOperandNumber() == 0 ? both.getRhs() : both.getLhs()),
        atoms);
  }
  return atoms;
}
} // namespace

llvm::DenseMap<Value, Value> findGuards(mlir::Block &block) {
  // per value: the conditions that hold whenever it is needed
  llvm::DenseMap<Value, Conditions> needed;
  for (auto &op : llvm::reverse(block)) {
    for (Value result : op.getResults()) {
      Conditions common;
      bool first = true;
      for (auto &use : result.getUses()) {
        Conditions here = extraOf(use);
        auto *user = use.getOwner();
        if (!user->hasTrait<mlir::OpTrait::IsTerminator>()) {
          // needed with any of the user's results
          Conditions ofUser;
          bool firstResult = true;
          for (Value other : user->getResults()) {
            auto &known = needed[other];
            if (firstResult)
              ofUser = known;
            else
              ofUser.remove_if([&](Value v) { return !known.contains(v); });
            firstResult = false;
          }
          here.insert_range(ofUser);
        }
        if (first)
          common = here;
        else
          common.remove_if([&](Value v) { return !here.contains(v); });
        first = false;
      }
      needed[result] = common;
    }
  }
  llvm::DenseMap<Value, Value> guards;
  for (auto &[value, conditions] : needed)
    // a condition that is itself skipped cannot decide
    for (Value condition : conditions)
      if (condition != value && needed[condition].empty()) {
        guards[value] = condition;
        break;
      }
  return guards;
}

} // namespace phlox::cpu
