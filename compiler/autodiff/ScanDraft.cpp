#include "compiler/autodiff/ScanDraft.h"
#include "llvm/ADT/SetVector.h"

namespace phlox {

ScanDraft::ScanDraft(const mlir::OpBuilder &outside, mlir::Location location,
                     int64_t length, bool reverse)
    : inside(mlir::OpBuilder(outside.getContext()), location), length(length),
      reverse(reverse) {
  inside.setInsertionPointToEnd(&region.emplaceBlock());
}

Value ScanDraft::addCarry(Value init) {
  Value argument = region.front().insertArgument(
      unsigned(carries.size()), init.getType(), inside.location);
  carries.push_back({argument, init});
  return argument;
}

Value ScanDraft::addX(Value x, RankedTensorType type) {
  auto row = RankedTensorType::get(type.getShape().drop_front(),
                                   type.getElementType());
  Value argument = region.front().insertArgument(
      unsigned(carries.size() + xs.size()), row, inside.location);
  xs.push_back({argument, x});
  return argument;
}

Value ScanDraft::addConstant(Value constant) {
  Value argument =
      region.front().addArgument(constant.getType(), inside.location);
  constants.push_back({argument, constant});
  return argument;
}

SmallVector<Value> ScanDraft::copyBody(ScanOp scan, ArrayRef<Value> arguments) {
  mlir::Block &body = scan.getBody().front();
  mlir::IRMapping map;
  map.map(body.getArguments(), arguments);
  for (mlir::Operation &op : body.without_terminator())
    inside.clone(op, map);
  SmallVector<Value> results;
  for (Value value : body.getTerminator()->getOperands())
    results.push_back(map.lookup(value));
  return results;
}

void ScanDraft::close(ArrayRef<Value> nextCarries, ArrayRef<bool> wanted,
                      ArrayRef<Value> ys) {
  // a carry is needed if it is wanted, or if something needed reads it
  llvm::SetVector<Value> needed;
  llvm::DenseSet<mlir::Operation *> ops;
  needed.insert(ys.begin(), ys.end());
  for (auto [carry, next, want] : llvm::zip(carries, nextCarries, wanted))
    if (want)
      needed.insert(carry.argument), needed.insert(next);
  for (size_t i = 0; i < needed.size(); ++i) {
    Value value = needed[i];
    if (mlir::Operation *op = value.getDefiningOp()) {
      ops.insert(op);
      needed.insert(op->operand_begin(), op->operand_end());
      continue;
    }
    unsigned number = mlir::cast<mlir::BlockArgument>(value).getArgNumber();
    if (number < carries.size())
      needed.insert(nextCarries[number]);
  }
  for (mlir::Operation &op :
       llvm::make_early_inc_range(llvm::reverse(region.front())))
    if (!ops.contains(&op))
      op.erase();
  SmallVector<Value> nexts;
  for (auto [carry, next] : llvm::zip(carries, nextCarries)) {
    kept.push_back(needed.contains(carry.argument));
    if (kept.back())
      nexts.push_back(next);
  }
  auto isNeeded = [&](SmallVector<Operand> &operands) {
    SmallVector<bool> flags;
    for (const Operand &operand : operands)
      flags.push_back(needed.contains(operand.argument));
    return flags;
  };
  for (SmallVector<Operand> *group : {&carries, &xs, &constants}) {
    SmallVector<bool> flags = isNeeded(*group);
    erase(*group, [&](size_t i) { return flags[i]; });
  }
  yieldedCarries = nexts.size();
  yields = std::move(nexts);
  yields.append(ys.begin(), ys.end());
  YieldOp::create(inside, inside.location, yields);
}

void ScanDraft::erase(SmallVector<Operand> &operands,
                      llvm::function_ref<bool(size_t)> keep) {
  SmallVector<Operand> left;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (keep(i))
      left.push_back(operand);
    else
      region.front().eraseArgument(
          mlir::cast<mlir::BlockArgument>(operand.argument).getArgNumber());
  }
  operands = std::move(left);
}

bool ScanDraft::uses(Value argument) const {
  return llvm::any_of(xs,
                      [&](const Operand &x) { return x.argument == argument; });
}

void ScanDraft::setX(Value argument, Value x) {
  for (Operand &operand : xs)
    if (operand.argument == argument)
      operand.value = x;
}

ScanDraft::Results ScanDraft::emit(Graph &outside) {
  auto values = [](ArrayRef<Operand> operands) {
    SmallVector<Value> list;
    for (const Operand &operand : operands)
      list.push_back(operand.value);
    return list;
  };
  SmallVector<mlir::Type> carryTypes, yTypes;
  for (const Operand &carry : carries)
    carryTypes.push_back(carry.value.getType());
  for (Value y : ArrayRef<Value>(yields).drop_front(yieldedCarries)) {
    SmallVector<int64_t> shape{length};
    llvm::append_range(shape, shapeOf(y));
    yTypes.push_back(
        RankedTensorType::get(shape, tensorType(y).getElementType()));
  }
  auto scan = ScanOp::create(outside, inside.location, carryTypes, yTypes,
                             values(carries), values(xs), values(constants),
                             uint64_t(length), reverse);
  scan.getBody().takeBody(region);
  Results results;
  size_t next = 0;
  for (bool keep : kept)
    results.carries.push_back(keep ? scan.getCarries()[next++] : Value());
  results.ys.assign(scan.getYs().begin(), scan.getYs().end());
  return results;
}

} // namespace phlox
