#include "compiler/passes/Copies.h"

namespace phlox {

bool Copies::any() const {
  return llvm::any_of(factors, [](const Factor &f) { return f.copied; });
}

int64_t sizeOf(ArrayRef<Factor> factors) {
  int64_t product = 1;
  for (const Factor &factor : factors)
    product *= factor.extent;
  return product;
}

int64_t sizeOf(ArrayRef<Factor> factors, bool copied) {
  int64_t product = 1;
  for (const Factor &factor : factors)
    if (factor.copied == copied)
      product *= factor.extent;
  return product;
}

mlir::Attribute splatOf(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!constant)
    return {};
  auto elements = mlir::cast<mlir::DenseElementsAttr>(constant.getValue());
  return elements.isSplat() ? elements.getSplatValue<mlir::Attribute>()
                            : mlir::Attribute();
}

bool isZero(Value value) {
  auto number = mlir::dyn_cast_or_null<mlir::FloatAttr>(splatOf(value));
  return number && number.getValue().isPosZero();
}

namespace {

Factors dense(ArrayRef<int64_t> shape) {
  Factors factors;
  for (int64_t extent : shape)
    factors.push_back({extent, false});
  return factors;
}

Factors join(ArrayRef<Factors> axes) {
  Factors all;
  for (const Factors &axis : axes)
    llvm::append_range(all, axis);
  return all;
}

// drops unit factors and joins neighbours of one kind
Factors normal(ArrayRef<Factor> factors) {
  Factors result;
  for (const Factor &factor : factors) {
    if (factor.extent == 1)
      continue;
    if (!result.empty() && result.back().copied == factor.copied)
      result.back().extent *= factor.extent;
    else
      result.push_back(factor);
  }
  return result;
}

SmallVector<int64_t> extentsOf(ArrayRef<Factors> axes) {
  SmallVector<int64_t> shape;
  for (const Factors &axis : axes)
    shape.push_back(sizeOf(axis));
  return shape;
}

Value reshaped(Graph &g, Value x, ArrayRef<int64_t> shape) {
  return shapeOf(x) == shape ? x : g.reshape(x, shape);
}

} // namespace

std::optional<SmallVector<Factors>> perAxis(ArrayRef<Factor> factors,
                                            ArrayRef<int64_t> shape) {
  Factors rest(llvm::reverse(factors));
  SmallVector<Factors> axes;
  for (int64_t extent : shape) {
    Factors &axis = axes.emplace_back();
    while (extent > 1) {
      Factor factor = rest.pop_back_val();
      if (factor.extent > extent) {
        if (factor.extent % extent)
          return std::nullopt;
        rest.push_back({factor.extent / extent, factor.copied});
        factor.extent = extent;
      } else if (extent % factor.extent) {
        return std::nullopt;
      }
      extent /= factor.extent;
      if (factor.extent > 1)
        axis.push_back(factor);
    }
  }
  return axes;
}

bool align(ArrayRef<Factors *> lists) {
  SmallVector<Factors> rest, cut(lists.size());
  for (Factors *list : lists)
    rest.emplace_back(llvm::reverse(normal(*list)));
  while (!rest.front().empty()) {
    int64_t step = rest.front().back().extent;
    for (const Factors &list : rest)
      step = std::min(step, list.back().extent);
    for (auto [list, done] : llvm::zip(rest, cut)) {
      Factor &factor = list.back();
      if (factor.extent % step)
        return false;
      done.push_back({step, factor.copied});
      factor.extent /= step;
      if (factor.extent == 1)
        list.pop_back();
    }
  }
  for (auto [list, done] : llvm::zip(lists, cut))
    *list = done;
  return true;
}

Value build(Graph &g, Value core, ArrayRef<Factors> axes) {
  SmallVector<int64_t> shape = extentsOf(axes);
  Factors all = join(axes);
  if (sizeOf(all, true) == 1)
    return reshaped(g, core, shape);
  if (mlir::Attribute number = splatOf(core))
    return g.make<ConstantOp>(
        mlir::DenseElementsAttr::get(tensorType(core).clone(shape), number));
  // an axis of copies of entries, nothing else: stretch
  SmallVector<int64_t> mixed, before(shape);
  bool copiesInside = true, wholeAxes = true;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    Factors parts = normal(axis);
    wholeAxes &= parts.size() < 2;
    if (parts.size() == 2 && parts[1].copied) {
      mixed.push_back(i);
      before[i] = parts[0].extent;
    } else if (parts.size() > 1 || (parts.size() == 1 && parts[0].copied)) {
      copiesInside = false;
    }
  }
  if (copiesInside) {
    Value value = reshaped(g, core, before);
    for (int64_t axis : mixed)
      value = g.make<StretchOp>(value, shape[axis] / before[axis], axis);
    return value;
  }
  // else a broadcast, of whole axes or of all factors
  SmallVector<Factors> parts(axes);
  if (!wholeAxes) {
    parts.clear();
    for (const Factor &factor : normal(all))
      parts.push_back({factor});
  }
  SmallVector<int64_t> from;
  for (const Factors &part : parts)
    if (!from.empty() || sizeOf(part, true) == 1)
      from.push_back(sizeOf(part, false));
  Value value = g.broadcast(reshaped(g, core, from), extentsOf(parts));
  return reshaped(g, value, shape);
}

Copies CopyFinder::of(Value value) {
  auto found = known.find(value);
  if (found != known.end())
    return found->second;
  Copies copies = find(value);
  copies.factors = normal(copies.factors);
  return known[value] = std::move(copies);
}

Copies CopyFinder::find(Value value) {
  ArrayRef<int64_t> shape = shapeOf(value);
  Copies itself{value, dense(shape)};
  auto *op = value.getDefiningOp();
  if (!op || mlir::isa<ScanOp>(op))
    return itself;
  mlir::OpBuilder after(op->getContext());
  after.setInsertionPointAfter(op);
  Graph g(after, op->getLoc());
  if (mlir::Attribute number = splatOf(value)) {
    auto type = tensorType(value).clone(ArrayRef<int64_t>{});
    Value one =
        shape.empty()
            ? value
            : g.make<ConstantOp>(mlir::DenseElementsAttr::get(type, number));
    return {one, {{sizeOf(itself.factors), true}}};
  }
  if (auto iota = mlir::dyn_cast<IotaOp>(op)) {
    if (shape.size() < 2)
      return itself;
    for (auto [axis, factor] : llvm::enumerate(itself.factors))
      factor.copied = axis != iota.getAxis();
    auto type = tensorType(value).clone({shape[iota.getAxis()]});
    return {g.make<IotaOp>(type, 0), itself.factors};
  }
  if (auto transpose = mlir::dyn_cast<TransposeOp>(op))
    return throughTranspose(transpose);
  if (auto slice = mlir::dyn_cast<SliceOp>(op))
    return throughSlice(slice);
  if (mlir::isa<ReshapeOp, ExpandOp>(op))
    return of(op->getOperand(0));
  if (!mlir::isa<RepeatOp, StretchOp, BroadcastOp>(op))
    return itself;
  Copies from = of(op->getOperand(0));
  ArrayRef<int64_t> smaller = shapeOf(op->getOperand(0));
  auto axes = perAxis(from.factors, smaller);
  if (!axes) { // copies that its shape cannot tell apart
    from.core = op->getOperand(0);
    axes = perAxis(dense(smaller), smaller);
  }
  if (auto repeat = mlir::dyn_cast<RepeatOp>(op)) {
    axes->insert(axes->begin() + int64_t(repeat.getAxis()),
                 {{int64_t(repeat.getCount()), true}});
  } else if (auto stretch = mlir::dyn_cast<StretchOp>(op)) {
    (*axes)[stretch.getAxis()].push_back({int64_t(stretch.getCount()), true});
  } else {
    size_t missing = shape.size() - smaller.size();
    for (size_t axis = 0; axis < smaller.size(); ++axis)
      if (smaller[axis] != shape[missing + axis])
        (*axes)[axis] = {{shape[missing + axis], true}};
    for (size_t axis = missing; axis-- > 0;)
      axes->insert(axes->begin(), {{shape[axis], true}});
  }
  return {from.core, join(*axes)};
}

Copies CopyFinder::throughTranspose(TransposeOp op) {
  Copies itself{op.getResult(), dense(shapeOf(op.getResult()))};
  Copies from = of(op.getX());
  auto axes = perAxis(from.factors, shapeOf(op.getX()));
  if (!axes || !from.any())
    return itself;
  SmallVector<Factors> moved;
  SmallVector<int64_t> extents, permutation(op.getPermutation());
  for (int64_t axis : permutation)
    moved.push_back((*axes)[axis]);
  for (const Factors &axis : *axes)
    extents.push_back(sizeOf(axis, false));
  mlir::OpBuilder after(op.getContext());
  after.setInsertionPointAfter(op);
  Graph g(after, op.getLoc());
  Value core = reshaped(g, from.core, extents);
  return {g.make<TransposeOp>(core, permutation), join(moved)};
}

// axes that are cut must be copies throughout, or not at all
Copies CopyFinder::throughSlice(SliceOp op) {
  Copies itself{op.getResult(), dense(shapeOf(op.getResult()))};
  Copies from = of(op.getX());
  ArrayRef<int64_t> shape = shapeOf(op.getX());
  auto axes = perAxis(from.factors, shape);
  if (!axes || !from.any())
    return itself;
  SmallVector<int64_t> extents, start, size;
  for (auto [axis, factors] : llvm::enumerate(*axes)) {
    int64_t kept = sizeOf(factors, false);
    bool cut = op.getSize()[axis] != shape[axis];
    if (cut && kept != 1 && kept != shape[axis])
      return itself;
    extents.push_back(kept);
    bool moves = cut && kept != 1;
    start.push_back(moves ? op.getStart()[axis] : 0);
    size.push_back(moves ? op.getSize()[axis] : kept);
    if (cut)
      factors = {{op.getSize()[axis], kept == 1}};
  }
  mlir::OpBuilder after(op.getContext());
  after.setInsertionPointAfter(op);
  Graph g(after, op.getLoc());
  Value core = reshaped(g, from.core, extents);
  if (size != extents)
    core = g.make<SliceOp>(core, start, size);
  return {core, join(*axes)};
}

} // namespace phlox
