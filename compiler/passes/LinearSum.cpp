#include "compiler/passes/LinearSum.h"

namespace phlox {
namespace {

// values that several sums reach are built once for each: too many end here
constexpr int64_t kMostSteps = 1000;

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

} // namespace

Value LinearSum::build(Graph &graph, Value x, const Sum &sum) {
  g = &graph;
  passedProduct = false;
  steps = 0;
  Value sums = pull(x, sum);
  return passedProduct ? sums : Value();
}

bool LinearSum::leadsToProduct(Value value) {
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
bool LinearSum::copiesSummed(const Copies &copies, const Sum &sum) {
  Factors own = copies.factors, summed = sum.factors;
  if (!align({&own, &summed}))
    return false;
  for (auto [mine, its] : llvm::zip(own, summed))
    if (its.copied && !mine.copied)
      return false;
  return true;
}

// of a value that copies what is summed: the value along what is kept
Value LinearSum::single(Value x, const Sum &sum) {
  Copies copies = finder.of(x);
  Factors own = copies.factors, summed = sum.factors, kept;
  if (!align({&own, &summed}))
    return {};
  for (auto [mine, its] : llvm::zip(own, summed))
    if (!its.copied)
      kept.push_back(mine);
  return dense(phlox::build(*g, copies.core, singles(kept)), sum);
}

Value LinearSum::dense(Value x, const Sum &sum) {
  int64_t size = sizeOf(sum.factors, false);
  return shapeOf(x) == ArrayRef<int64_t>{size} ? x : g->reshape(x, {size});
}

// sums x itself; pointwise work before a reduction is its kernel's
Value LinearSum::here(Value x, const Sum &sum) {
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
    terms =
        g->mul(phlox::build(*g, weight.core, singles(weight.factors)), terms);
  return dense(g->sum(terms, over), sum);
}

// what is the same for all k leaves the sum; the weights' sum stays
Value LinearSum::pullSame(Value x, const Sum &sum) {
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
  return g->mul(one, dense(phlox::build(*g, total, singles(rest)), sum));
}

// rows that are summed: one product of the sums of the left operand's rows
Value LinearSum::pullProduct(MatmulOp op, const Sum &sum) {
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
Value LinearSum::pullScaled(mlir::Operation *op, const Sum &sum) {
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
      weight = {g->mul(phlox::build(*g, weight.core, mine),
                       phlox::build(*g, other.core, its)),
                both};
    }
    inner.weight = weight;
    if (Value rest = pull(x, inner))
      return rest;
  }
  return {};
}

// sums, rearrangements and joins: operand by operand
Value LinearSum::pullParts(mlir::Operation *op, const Sum &sum) {
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
Value LinearSum::pullCopies(Value x, const Sum &sum) {
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
  return dense(phlox::build(*g, sums, singles(kept)), sum);
}

Value LinearSum::pull(Value x, const Sum &sum) {
  if (copiesSummed(finder.of(x), sum))
    return pullSame(x, sum);
  auto *op = x.getDefiningOp();
  if (!leadsToProduct(x) || ++steps > kMostSteps)
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

} // namespace phlox
