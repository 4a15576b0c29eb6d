// Sums before linear ops instead of after them: sum_k w_k f(x_k) becomes
// f(sum_k w_k x_k) where f is linear in x and the same for all k. A derivative
// along K directions then runs once, and so does the backward pass of a loss
// over K targets of one prediction. Reorders sums.
#include "compiler/passes/Copies.h"
#include "compiler/passes/Passes.h"
#include "compiler/passes/Work.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace phlox {
#define GEN_PASS_DEF_HOISTSUM
#include "compiler/passes/Passes.h.inc"

namespace {

// what has to be saved for more kernels
constexpr double kFewestFlops = 1e5;

// a reduction, and a value that could stand for it
struct Candidate {
  ReduceOp root;
  Value result;
};

// the ops that a sum goes through on its way to a product, by operand
SmallVector<Value> linearOperands(mlir::Operation *op) {
  if (!op || !op->getNumOperands())
    return {};
  if (mlir::isa<MatmulOp, DivOp>(op))
    return {op->getOperand(0)};
  if (mlir::isa<AddOp, SubOp, MulOp, NegOp, ReshapeOp, ExpandOp, TransposeOp,
                SliceOp, ConcatOp, BroadcastOp, RepeatOp, StretchOp>(op))
    return SmallVector<Value>(op->getOperands());
  return {};
}

// A sum along the copied factors of `factors`, which refine its operand's
// shape; `weight`, where it is one, has their structure too.
struct Sum {
  Factors factors;
  std::optional<Copies> weight;
};

class Hoister {
public:
  explicit Hoister(double leastGain) : leastGain(leastGain) {}
  void run(mlir::Block &block);

private:
  Value reduce(ReduceOp op, bool whole);
  bool leadsToProduct(Value value);
  Factors partsOf(Value value, ArrayRef<int64_t> shape);

  // each returns the sums, dense along what is kept; null: not that way
  Value pull(Value x, const Sum &sum);
  Value pullSame(Value x, const Sum &sum);
  Value pullProduct(MatmulOp op, const Sum &sum);
  Value pullScaled(mlir::Operation *op, const Sum &sum);
  Value pullParts(mlir::Operation *op, const Sum &sum);
  Value pullCopies(Value x, const Sum &sum);
  Value here(Value x, const Sum &sum);

  // x restricted to one copy along the summed factors, if it copies all
  Value single(Value x, const Sum &sum);
  Value dense(Value x, const Sum &sum);
  bool copiesSummed(const Copies &copies, const Sum &sum);

  double leastGain;
  CopyFinder finder;
  Graph *g = nullptr;
  bool passedProduct = false;
  llvm::DenseMap<Value, bool> leads;
};

SmallVector<Factors> singles(ArrayRef<Factor> factors) {
  SmallVector<Factors> axes;
  for (const Factor &factor : factors)
    axes.push_back({factor});
  return axes;
}

SmallVector<int64_t> keptShape(ArrayRef<Factors> axes) {
  SmallVector<int64_t> shape;
  for (const Factors &axis : axes)
    shape.push_back(sizeOf(axis, false));
  return shape;
}

bool Hoister::leadsToProduct(Value value) {
  auto [place, isNew] = leads.try_emplace(value, false);
  if (!isNew)
    return place->second;
  auto *op = value.getDefiningOp();
  bool found = op && mlir::isa<MatmulOp>(op);
  for (Value operand : linearOperands(op))
    found = found || leadsToProduct(operand);
  return leads[value] = found;
}

// whether a value is the same along all summed factors
bool Hoister::copiesSummed(const Copies &copies, const Sum &sum) {
  Factors own = copies.factors, summed = sum.factors;
  if (!align({&own, &summed}))
    return false;
  for (auto [mine, its] : llvm::zip(own, summed))
    if (its.copied && !mine.copied)
      return false;
  return true;
}

// of a value that copies what is summed: the value along what is kept
Value Hoister::single(Value x, const Sum &sum) {
  Copies copies = finder.of(x);
  Factors own = copies.factors, summed = sum.factors, kept;
  if (!align({&own, &summed}))
    return {};
  for (auto [mine, its] : llvm::zip(own, summed))
    if (!its.copied)
      kept.push_back(mine);
  return dense(build(*g, copies.core, singles(kept)), sum);
}

Value Hoister::dense(Value x, const Sum &sum) {
  int64_t size = sizeOf(sum.factors, false);
  return shapeOf(x) == ArrayRef<int64_t>{size} ? x : g->reshape(x, {size});
}

// sums x itself; pointwise work before a reduction is its kernel's
Value Hoister::here(Value x, const Sum &sum) {
  Factors factors = sum.factors, weights;
  Copies weight;
  if (sum.weight) {
    weight = *sum.weight;
    if (!align({&factors, &weight.factors}))
      return {};
  }
  SmallVector<int64_t> shape, over;
  for (auto [i, factor] : llvm::enumerate(factors)) {
    shape.push_back(factor.extent);
    if (factor.copied)
      over.push_back(i);
  }
  Value terms =
      shapeOf(x) == ArrayRef<int64_t>(shape) ? x : g->reshape(x, shape);
  if (sum.weight)
    terms = g->mul(build(*g, weight.core, singles(weight.factors)), terms);
  return dense(g->sum(terms, over), sum);
}

// what is the same for all k leaves the sum; the weights' sum stays
Value Hoister::pullSame(Value x, const Sum &sum) {
  Value one = single(x, sum);
  if (!one)
    return {};
  if (!sum.weight)
    return g->scale(one, double(sizeOf(sum.factors, true)));
  Factors factors = sum.factors;
  Copies weight = *sum.weight;
  if (!align({&factors, &weight.factors}))
    return {};
  // weights are summed along k alone, and repeated along what they copy
  Factors rest;
  SmallVector<int64_t> shape, over;
  double count = 1;
  for (auto [factor, its] : llvm::zip(factors, weight.factors)) {
    if (!factor.copied)
      rest.push_back(its);
    else if (its.copied)
      count *= double(its.extent);
    if (its.copied)
      continue;
    if (factor.copied)
      over.push_back(shape.size());
    shape.push_back(its.extent);
  }
  Value total = g->sum(g->reshape(weight.core, shape), over);
  if (count > 1)
    total = g->scale(total, count);
  return g->mul(one, dense(build(*g, total, singles(rest)), sum));
}

// rows that are summed: one product of the sums of the left operand's rows
Value Hoister::pullProduct(MatmulOp op, const Sum &sum) {
  auto axes = perAxis(sum.factors, shapeOf(op.getResult()));
  if (!axes || sizeOf(axes->back(), true) != 1)
    return {};
  ArrayRef<int64_t> shape = shapeOf(op.getLhs());
  for (const Factors &axis : ArrayRef<Factors>(*axes).drop_back(2))
    if (sizeOf(axis, true) != 1)
      return {}; // each has a right operand of its own
  Sum inner;
  for (const Factors &axis : ArrayRef<Factors>(*axes).drop_back())
    llvm::append_range(inner.factors, axis);
  int64_t rows = sizeOf(inner.factors);
  inner.factors.push_back({shape.back(), false});
  if (sum.weight) {
    Copies weight = *sum.weight;
    auto parts =
        perAxis(weight.factors, {rows, shapeOf(op.getResult()).back()});
    if (!parts || sizeOf((*parts)[1], false) != 1)
      return {}; // columns have weights of their own
    inner.weight = Copies{weight.core, (*parts)[0]};
    inner.weight->factors.push_back({shape.back(), true});
  }
  Value sums = pull(op.getLhs(), inner);
  if (!sums)
    return {};
  SmallVector<int64_t> small = keptShape(*axes);
  small.back() = shape.back();
  passedProduct = true;
  Value product = g->make<MatmulOp>(g->reshape(sums, small), op.getRhs());
  return dense(product, sum);
}

// a factor that is the same for all k leaves the sum, another one becomes part
// of the weights
Value Hoister::pullScaled(mlir::Operation *op, const Sum &sum) {
  Value left = op->getOperand(0), right = op->getOperand(1);
  bool divides = mlir::isa<DivOp>(op);
  for (auto [scale, x] : {std::pair(right, left), std::pair(left, right)}) {
    if (divides && scale == left)
      break;
    if (!copiesSummed(finder.of(scale), sum))
      continue;
    Value factor = single(scale, sum), rest = pull(x, sum);
    if (!factor || !rest)
      return {};
    return divides ? g->div(rest, factor) : g->mul(rest, factor);
  }
  if (divides)
    return {};
  for (auto [scale, x] : {std::pair(right, left), std::pair(left, right)}) {
    Copies weight = finder.of(scale);
    if (!weight.any() || !leadsToProduct(x))
      continue;
    Sum inner = sum;
    if (sum.weight) { // both, along what either varies with
      Copies other = *sum.weight;
      if (!align({&weight.factors, &other.factors}))
        return {};
      SmallVector<Factors> mine, its;
      Factors both;
      for (auto [a, b] : llvm::zip(weight.factors, other.factors)) {
        both.push_back({a.extent, a.copied && b.copied});
        if (both.back().copied)
          continue;
        mine.push_back({a});
        its.push_back({b});
      }
      weight = {
          g->mul(build(*g, weight.core, mine), build(*g, other.core, its)),
          both};
    }
    inner.weight = weight;
    if (Value rest = pull(x, inner))
      return rest;
  }
  return {};
}

// sums, rearrangements and joins: operand by operand
Value Hoister::pullParts(mlir::Operation *op, const Sum &sum) {
  if (mlir::isa<AddOp, SubOp>(op)) {
    Value x = pull(op->getOperand(0), sum), y = pull(op->getOperand(1), sum);
    if (!x || !y)
      return {};
    return mlir::isa<AddOp>(op) ? g->add(x, y) : g->sub(x, y);
  }
  if (mlir::isa<NegOp>(op)) {
    Value x = pull(op->getOperand(0), sum);
    return x ? g->neg(x) : x;
  }
  if (mlir::isa<ReshapeOp, ExpandOp>(op))
    return pull(op->getOperand(0), sum);
  return {};
}

// a value that repeats other factors than those summed
Value Hoister::pullCopies(Value x, const Sum &sum) {
  Copies copies = finder.of(x);
  Factors own = copies.factors, factors = sum.factors;
  if (!copies.any() || copies.core == x || sum.weight ||
      !align({&own, &factors}))
    return {};
  Sum inner;
  Factors kept;
  double count = 1;
  for (auto [mine, its] : llvm::zip(own, factors)) {
    if (!mine.copied)
      inner.factors.push_back(its);
    else if (its.copied)
      count *= double(its.extent);
    if (!its.copied)
      kept.push_back(mine);
  }
  Value sums = pull(copies.core, inner);
  if (!sums)
    return {};
  if (count > 1)
    sums = g->scale(sums, count);
  return dense(build(*g, sums, singles(kept)), sum);
}

Value Hoister::pull(Value x, const Sum &sum) {
  if (copiesSummed(finder.of(x), sum))
    return pullSame(x, sum);
  auto *op = x.getDefiningOp();
  if (!leadsToProduct(x))
    return here(x, sum);
  Value found = pullCopies(x, sum);
  if (found)
    return found;
  if (auto product = mlir::dyn_cast<MatmulOp>(op))
    found = pullProduct(product, sum);
  else if (mlir::isa<MulOp, DivOp>(op))
    found = pullScaled(op, sum);
  else
    found = pullParts(op, sum);
  return found ? found : here(x, sum);
}

// parts of rows that an element-wise operand on the way repeats
Factors Hoister::partsOf(Value value, ArrayRef<int64_t> shape) {
  for (Value x = value;;) {
    auto *op = x.getDefiningOp();
    if (!op || !mlir::isa<MulOp, DivOp, AddOp, SubOp, NegOp, ReshapeOp>(op))
      return {};
    Value next;
    for (Value operand : op->getOperands()) {
      Copies copies = finder.of(operand);
      auto axes = perAxis(copies.factors, shape);
      if (copies.any() && sizeOf(copies.factors, false) > 1 && axes)
        for (Factors &axis : *axes)
          if (axis.size() > 1)
            return copies.factors;
      if (leadsToProduct(operand))
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
  g = &graph;
  passedProduct = false;
  Value sums = pull(op.getX(), sum);
  if (!sums || !passedProduct)
    return {}; // what was built is dead
  Value result = g->reshape(sums, keptParts);
  if (!over.empty())
    result = g->sum(result, over);
  if (shapeOf(result) != shapeOf(op.getResult()))
    result = g->reshape(result, shapeOf(op.getResult()));
  if (!mean)
    return result;
  // a division: 1 / count is not exact in f32
  double count = double(tensorType(op.getX()).getNumElements()) /
                 double(tensorType(op.getResult()).getNumElements());
  return g->div(result, g->constant(count, result));
}

// FLOPs of a block in which candidates have replaced their reductions
double flopsWith(mlir::Block &block, ArrayRef<Candidate> chosen) {
  llvm::DenseSet<mlir::Operation *> replaced, results, alive;
  for (const Candidate &each : chosen) {
    replaced.insert(each.root);
    results.insert(each.result.getDefiningOp());
  }
  double flops = 0;
  for (mlir::Operation &op : llvm::reverse(block)) {
    bool used = op.hasTrait<mlir::OpTrait::IsTerminator>() ||
                results.contains(&op) ||
                llvm::any_of(op.getUsers(), [&](mlir::Operation *user) {
                  return alive.contains(user);
                });
    if (!used || replaced.contains(&op))
      continue;
    alive.insert(&op);
    flops += flopsOf(&op);
  }
  return flops;
}

// Backward passes die only if all that reads them is replaced: candidates are
// judged together, then each of them by what it adds.
void choose(mlir::Block &block, SmallVector<Candidate> &candidates,
            double fewest) {
  for (size_t i = candidates.size(); i-- > 0;) {
    SmallVector<Candidate> others(candidates);
    others.erase(others.begin() + int64_t(i));
    if (flopsWith(block, others) <= flopsWith(block, candidates))
      candidates = std::move(others);
  }
  if (flopsWith(block, {}) - flopsWith(block, candidates) < fewest)
    candidates.clear();
}

void Hoister::run(mlir::Block &block) {
  SmallVector<mlir::Operation *> ops;
  SmallVector<Candidate> candidates;
  for (mlir::Operation &op : block)
    ops.push_back(&op);
  for (mlir::Operation *op : ops) {
    for (mlir::Region &region : op->getRegions())
      for (mlir::Block &inner : region)
        run(inner);
    auto sum = mlir::dyn_cast<ReduceOp>(op);
    if (!sum || sum.use_empty() || !leadsToProduct(sum.getX()) ||
        (sum.getKind() != Reduction::sum && sum.getKind() != Reduction::mean))
      continue;
    Value result = reduce(sum, false);
    if (!result)
      result = reduce(sum, true);
    if (result)
      candidates.push_back({sum, result});
  }
  choose(block, candidates, std::max(1.0, leastGain * kFewestFlops));
  for (Candidate &each : candidates)
    each.root.getResult().replaceAllUsesWith(each.result);
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
