// Sums before linear ops instead of after them: sum_k w_k f(x_k) becomes
// f(sum_k w_k x_k) where f is linear in x and the same for all k. A derivative
// along K directions then runs once, and so does the backward pass of a loss
// over K targets of one prediction. Reorders sums.
#include "compiler/passes/LinearSum.h"
#include "compiler/passes/Passes.h"
#include "compiler/passes/Work.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace phlox {
#define GEN_PASS_DEF_HOISTSUM
#include "compiler/passes/Passes.h.inc"

namespace {

// what has to be saved for more kernels
constexpr double kFewestFlops = 1e5;

class Hoister {
public:
  explicit Hoister(double leastGain) : leastGain(leastGain) {}
  void run(mlir::Block &block);

private:
  Value reduce(ReduceOp op, bool whole);
  Factors partsOf(Value value, ArrayRef<int64_t> shape);

  double leastGain;
  LinearSum linear;
};

// parts of rows that an element-wise operand on the way repeats
Factors Hoister::partsOf(Value value, ArrayRef<int64_t> shape) {
  for (Value x = value;;) {
    auto *op = x.getDefiningOp();
    if (!op || !mlir::isa<MulOp, DivOp, AddOp, SubOp, NegOp, ReshapeOp>(op))
      return {};
    Value next;
    for (Value operand : op->getOperands()) {
      Copies copies = linear.finder.of(operand);
      auto axes = perAxis(copies.factors, shape);
      if (copies.any() && sizeOf(copies.factors, false) > 1 && axes)
        for (Factors &axis : *axes)
          if (axis.size() > 1)
            return copies.factors;
      if (linear.leadsToProduct(operand))
        next = operand;
    }
    if (!next)
      return {};
    x = next;
  }
}

Value Hoister::reduce(ReduceOp op, bool whole) {
  bool mean = op.getKind() == Reduction::mean;
  ArrayRef<int64_t> shape = shapeOf(op.getX());
  Factors hint = whole ? Factors() : partsOf(op.getX(), shape);
  if (!whole && hint.empty())
    return {};
  SmallVector<Factors> axes;
  if (whole)
    for (int64_t extent : shape)
      axes.push_back({{extent, false}});
  else
    axes = *perAxis(hint, shape);
  Sum sum;
  SmallVector<int64_t> keptParts, over; // of what pull returns
  for (auto [axis, factors] : llvm::enumerate(axes)) {
    bool reduced = llvm::is_contained(op.getAxes(), int64_t(axis));
    for (Factor factor : factors) {
      factor.copied = reduced && (whole || factor.copied);
      sum.factors.push_back(factor);
      if (factor.copied)
        continue;
      if (reduced)
        over.push_back(keptParts.size());
      keptParts.push_back(factor.extent);
    }
  }
  if (sizeOf(sum.factors, true) == 1)
    return {};
  mlir::OpBuilder before(op);
  Graph graph(before, op.getLoc());
  Value sums = linear.build(graph, op.getX(), sum);
  if (!sums)
    return {};
  Value result = graph.reshape(sums, keptParts);
  if (!over.empty())
    result = graph.sum(result, over);
  if (shapeOf(result) != shapeOf(op.getResult()))
    result = graph.reshape(result, shapeOf(op.getResult()));
  if (!mean)
    return result;
  // a division: 1 / count is not exact in f32
  double count = double(tensorType(op.getX()).getNumElements()) /
                 double(tensorType(op.getResult()).getNumElements());
  return graph.div(result, graph.constant(count, result));
}

// Backward passes die only if all that reads them is replaced: candidates are
// judged together, then each of them by what it adds.
void choose(mlir::Block &block, SmallVector<Replacement> &candidates,
            double fewest) {
  for (size_t i = candidates.size(); i-- > 0;) {
    SmallVector<Replacement> others(candidates);
    others.erase(others.begin() + int64_t(i));
    if (flopsWith(block, others) <= flopsWith(block, candidates))
      candidates = std::move(others);
  }
  if (flopsWith(block, {}) - flopsWith(block, candidates) < fewest)
    candidates.clear();
}

void Hoister::run(mlir::Block &block) {
  SmallVector<mlir::Operation *> ops;
  SmallVector<Replacement> candidates;
  for (mlir::Operation &op : block)
    ops.push_back(&op);
  for (mlir::Operation *op : ops) {
    for (mlir::Region &region : op->getRegions())
      for (mlir::Block &inner : region)
        run(inner);
    auto sum = mlir::dyn_cast<ReduceOp>(op);
    if (!sum || sum.use_empty() || !linear.leadsToProduct(sum.getX()) ||
        (sum.getKind() != Reduction::sum && sum.getKind() != Reduction::mean))
      continue;
    Value result = reduce(sum, false);
    if (!result)
      result = reduce(sum, true);
    if (result)
      candidates.push_back({sum, result});
  }
  choose(block, candidates, std::max(1.0, leastGain * kFewestFlops));
  for (Replacement &each : candidates)
    each.root->getResult(0).replaceAllUsesWith(each.result);
}

struct HoistSum : impl::HoistSumBase<HoistSum> {
  using HoistSumBase::HoistSumBase;
  void runOnOperation() override {
    getOperation()->walk([&](mlir::func::FuncOp function) {
      for (mlir::Block &block : function.getBody())
        Hoister(leastGain).run(block);
    });
  }
};

} // namespace
} // namespace phlox
