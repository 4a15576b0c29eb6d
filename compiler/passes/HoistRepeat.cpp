// Computes on one copy what would be computed on many: ops on repeated operands
// work on what is repeated, and their result is repeated instead.
#include "compiler/passes/Copies.h"
#include "compiler/passes/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace phlox {
#define GEN_PASS_DEF_HOISTREPEAT
#include "compiler/passes/Passes.h.inc"

namespace {

// what a further kernel must save: evaluations of an element, and FLOPs
constexpr double kFewestElements = 4096;
constexpr double kFewestFlops = 1e5;

// which factors of an axis are kept: not copied in what is computed
Factors keptOf(ArrayRef<Factor> own, ArrayRef<Factor> common) {
  Factors kept;
  for (auto [mine, shared] : llvm::zip(own, common))
    if (!shared.copied)
      kept.push_back(mine);
  return kept;
}

class Hoister {
public:
  explicit Hoister(double leastGain) : leastGain(leastGain) {}
  void run(mlir::Block &block);

private:
  void hoist(mlir::Operation *op);
  void alongAxes(mlir::Operation *op, int64_t concatAxis);
  void matmul(MatmulOp op);
  void reduce(ReduceOp op);
  bool pays(int64_t before, int64_t after) const {
    return double(before - after) >= std::max(1.0, leastGain * kFewestElements);
  }

  double leastGain;
  CopyFinder finder;
};

// Element-wise ops and concat: an axis part that all operands copy.
void Hoister::alongAxes(mlir::Operation *op, int64_t concatAxis) {
  Value result = op->getResult(0);
  ArrayRef<int64_t> shape = shapeOf(result);
  SmallVector<Copies> copies;
  SmallVector<SmallVector<Factors>> axes; // per operand
  for (Value operand : op->getOperands()) {
    copies.push_back(finder.of(operand));
    auto own = perAxis(copies.back().factors, shapeOf(operand));
    if (!own)
      return;
    axes.push_back(std::move(*own));
  }
  SmallVector<Factors> common;
  for (int64_t axis = 0; axis < int64_t(shape.size()); ++axis) {
    if (axis == concatAxis) {
      common.push_back({{shape[axis], false}});
      continue;
    }
    SmallVector<Factors *> lists;
    for (auto &own : axes)
      lists.push_back(&own[axis]);
    if (!align(lists))
      return;
    Factors both = *lists[0];
    for (Factors *list : lists)
      for (auto [factor, other] : llvm::zip(both, *list))
        factor.copied &= other.copied;
    common.push_back(both);
  }
  int64_t elements = tensorType(result).getNumElements(), kept = 1;
  for (const Factors &axis : common)
    kept *= sizeOf(axis, false);
  if (!pays(elements, kept))
    return;
  mlir::OpBuilder before(op);
  Graph g(before, op->getLoc());
  SmallVector<Value> operands;
  SmallVector<int64_t> smaller;
  for (const Factors &axis : common)
    if (int64_t size = sizeOf(axis, false); size > 1 || sizeOf(axis) == 1)
      smaller.push_back(size);
  int64_t smallerAxis = 0; // of a concat
  for (auto [from, own] : llvm::zip(copies, axes)) {
    SmallVector<Factors> reduced;
    for (auto [axis, each] : llvm::enumerate(llvm::zip(own, common))) {
      auto &[mine, shared] = each;
      if (int64_t(axis) == concatAxis) {
        smallerAxis = reduced.size();
        reduced.push_back(mine);
      } else if (sizeOf(shared, false) > 1 || sizeOf(shared) == 1) {
        reduced.push_back(keptOf(mine, shared));
      }
    }
    operands.push_back(build(g, from.core, reduced));
  }
  Value core;
  if (concatAxis >= 0) {
    core = g.make<ConcatOp>(operands, smallerAxis);
  } else {
    mlir::OperationState state(op->getLoc(), op->getName(), operands,
                               tensorType(result).clone(smaller),
                               op->getAttrs());
    core = g.create(state)->getResult(0);
  }
  result.replaceAllUsesWith(build(g, core, common));
}

// Rows that repeat, columns that repeat, and a sum over what one side repeats.
void Hoister::matmul(MatmulOp op) {
  Copies left = finder.of(op.getLhs()), right = finder.of(op.getRhs());
  auto lhs = perAxis(left.factors, shapeOf(op.getLhs()));
  auto rhs = perAxis(right.factors, shapeOf(op.getRhs()));
  if (!lhs || !rhs)
    return;
  int64_t rank = lhs->size(), m = rank - 2, n = rank - 1;
  SmallVector<Factors> common; // of the result
  for (int64_t axis = 0; axis < m; ++axis) {
    if (!align({&(*lhs)[axis], &(*rhs)[axis]}))
      return;
    Factors both = (*lhs)[axis];
    for (auto [factor, other] : llvm::zip(both, (*rhs)[axis]))
      factor.copied &= other.copied;
    common.push_back(both);
  }
  common.push_back((*lhs)[m]);
  common.push_back((*rhs)[n]);
  Factors &leftSum = (*lhs)[n], &rightSum = (*rhs)[m];
  if (!align({&leftSum, &rightSum}))
    return;

  // both copy: a factor; one does: the other is summed first
  double count = 1, depth = 1;
  bool sumsLeft = false, sumsRight = false;
  for (auto [x, y] : llvm::zip(leftSum, rightSum)) {
    if (x.copied && y.copied)
      count *= double(x.extent);
    else if (!x.copied && !y.copied)
      depth *= double(x.extent);
    sumsRight |= x.copied && !y.copied;
    sumsLeft |= !x.copied && y.copied;
  }
  double full = double(tensorType(op.getResult()).getNumElements()), kept = 1;
  for (const Factors &axis : common)
    kept *= double(sizeOf(axis, false));
  double after = 2 * kept * depth;
  if (sumsLeft)
    after += double(tensorType(op.getLhs()).getNumElements());
  if (sumsRight)
    after += double(tensorType(op.getRhs()).getNumElements());
  double flops = 2 * full * double(shapeOf(op.getLhs()).back());
  if (flops - after < std::max(1.0, leastGain * kFewestFlops) ||
      after > (1 - 0.25 * leastGain) * flops)
    return;

  mlir::OpBuilder before(op);
  Graph g(before, op.getLoc());
  auto operand = [&](const Copies &from, ArrayRef<Factors> own, int64_t sum,
                     ArrayRef<Factor> mine, ArrayRef<Factor> other) {
    SmallVector<Factors> axes; // the summed axis in its parts
    SmallVector<int64_t> shape, over;
    for (auto [axis, factors] : llvm::enumerate(own)) {
      if (int64_t(axis) != sum) {
        // what only this side copies is spelled out, what both do left out
        int64_t at = int64_t(axis) < m ? axis : (sum == n ? m : n);
        Factors part = keptOf(factors, common[at]);
        if (int64_t(axis) < m && part.empty() && !common[at].empty())
          continue;
        shape.push_back(sizeOf(part));
        axes.push_back(part);
        continue;
      }
      int64_t length = 1;
      for (auto [x, y] : llvm::zip(mine, other)) {
        if (x.copied && y.copied)
          continue;
        if (y.copied)
          over.push_back(axes.size());
        if (!x.copied || y.copied) {
          axes.push_back({x});
          length *= y.copied ? 1 : x.extent;
        }
      }
      shape.push_back(length);
    }
    Value value = build(g, from.core, axes);
    if (!over.empty())
      value = g.sum(value, over);
    return shapeOf(value) == ArrayRef<int64_t>(shape) ? value
                                                      : g.reshape(value, shape);
  };
  Value core = g.make<MatmulOp>(operand(left, *lhs, n, leftSum, rightSum),
                                operand(right, *rhs, m, rightSum, leftSum));
  if (count > 1)
    core = g.scale(core, count);
  op.getResult().replaceAllUsesWith(build(g, core, common));
}

void Hoister::reduce(ReduceOp op) {
  Copies from = finder.of(op.getX());
  ArrayRef<int64_t> shape = shapeOf(op.getX());
  auto axes = perAxis(from.factors, shape);
  if (!axes || !pays(tensorType(op.getX()).getNumElements(),
                     sizeOf(from.factors, false)))
    return;
  mlir::OpBuilder before(op);
  Graph g(before, op.getLoc());
  SmallVector<Factors> common, small;
  SmallVector<int64_t> over;
  double count = 1;
  for (auto [axis, factors] : llvm::enumerate(*axes)) {
    bool reduced = llvm::is_contained(op.getAxes(), int64_t(axis));
    Factors part = keptOf(factors, factors);
    if (!reduced)
      common.push_back(factors);
    else
      count *= double(sizeOf(factors, true));
    if (part.empty())
      continue;
    if (reduced)
      over.push_back(small.size());
    small.push_back(part);
  }
  Value core = build(g, from.core, small);
  if (!over.empty())
    core = g.make<ReduceOp>(op.getKind(), core, over);
  if (op.getKind() == Reduction::sum && count > 1)
    core = g.scale(core, count);
  op.getResult().replaceAllUsesWith(build(g, core, common));
}

void Hoister::hoist(mlir::Operation *op) {
  if (op->getNumResults() != 1 || !op->getNumOperands())
    return;
  if (op->hasTrait<Pointwise>())
    alongAxes(op, -1);
  else if (auto concat = mlir::dyn_cast<ConcatOp>(op))
    alongAxes(op, concat.getAxis());
  else if (auto product = mlir::dyn_cast<MatmulOp>(op))
    matmul(product);
  else if (auto sum = mlir::dyn_cast<ReduceOp>(op))
    reduce(sum);
}

// Operands before users. Nothing is erased here: the finder remembers values.
void Hoister::run(mlir::Block &block) {
  SmallVector<mlir::Operation *> ops;
  for (mlir::Operation &op : block)
    ops.push_back(&op);
  for (mlir::Operation *op : ops) {
    hoist(op);
    for (mlir::Region &region : op->getRegions())
      for (mlir::Block &inner : region)
        run(inner);
  }
}

struct HoistRepeat : impl::HoistRepeatBase<HoistRepeat> {
  using HoistRepeatBase::HoistRepeatBase;
  void runOnOperation() override {
    getOperation()->walk([&](mlir::func::FuncOp function) {
      for (mlir::Block &block : function.getBody())
        Hoister(leastGain).run(block);
    });
  }
};

} // namespace
} // namespace phlox
