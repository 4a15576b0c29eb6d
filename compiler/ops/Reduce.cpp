// Rules of reduce.
#include "compiler/ops/Rules.h"
#include "llvm/ADT/SmallSet.h"
#include <cmath>
#include <limits>

namespace phlox {
namespace {

int64_t countOf(ReduceOp op) {
  int64_t count = 1;
  for (int64_t axis : op.getAxes())
    count *= shapeOf(op.getX())[axis];
  return count;
}

// each element's share of the slope of a maximum or minimum: equal among ties
Value shareOfTies(Graph &g, ReduceOp op) {
  Value x = op.getX();
  Value extreme = g.unreduce(op.getResult(), op.getAxes(), shapeOf(x));
  Value ties =
      g.make<ConvertOp>(x.getType(), g.compare(Comparison::eq, x, extreme));
  Value count = g.sum(ties, op.getAxes());
  return g.div(ties, g.unreduce(count, op.getAxes(), shapeOf(x)));
}

double join(Reduction kind, double x, double y) {
  if (kind == Reduction::sum || kind == Reduction::mean)
    return x + y;
  if (std::isnan(x) || std::isnan(y))
    return std::numeric_limits<double>::quiet_NaN();
  return kind == Reduction::max ? std::fmax(x, y) : std::fmin(x, y);
}

} // namespace

llvm::LogicalResult ReduceOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                               Adaptor adaptor, Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  llvm::SmallSet<int64_t, 4> axes;
  for (int64_t axis : adaptor.getAxes()) {
    if (failed(checkAxis(where, "[reduce_c1]", axis, shape.size(), shape)))
      return mlir::failure();
    if (!axes.insert(axis).second)
      return mlir::emitOptionalError(
          where, "[reduce_c1] axes must be distinct: got ", axis, " twice");
  }
  SmallVector<int64_t> kept;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (!axes.contains(axis))
      kept.push_back(shape[axis]);
  types.push_back(reshaped(adaptor.getX(), kept));
  return mlir::success();
}

void ReduceOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0);
  HostTensor &result = evaluation.result();
  // strides of the result along the operand's axes
  SmallVector<int64_t> strides = stridesOf(result.shape());
  SmallVector<int64_t> sorted(getAxes());
  llvm::sort(sorted);
  for (int64_t axis : sorted)
    strides.insert(strides.begin() + axis, 0);
  Reduction kind = getKind();
  double infinity = std::numeric_limits<double>::infinity();
  double start = kind == Reduction::max   ? -infinity
                 : kind == Reduction::min ? infinity
                                          : 0;
  result.reals.assign(result.size(), start);
  forEachOffset(x.shape(), strides, 0, [&](int64_t i, int64_t to) {
    result.reals[to] = join(kind, result.reals[to], x.reals[i]);
  });
  if (kind == Reduction::mean)
    for (double &y : result.reals)
      y /= double(countOf(*this));
}

SmallVector<Value> ReduceOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  if (getKind() == Reduction::sum || getKind() == Reduction::mean)
    return {g.make<ReduceOp>(getKind(), tangents[0], getAxes())};
  return {g.sum(g.mul(shareOfTies(g, *this), tangents[0]), getAxes())};
}

SmallVector<Value> ReduceOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                 ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  Value cotangent = cotangents[0];
  if (getKind() == Reduction::mean)
    // a division: 1 / count is not exact in f32
    cotangent = g.div(cotangent, g.constant(countOf(*this), cotangent));
  Value spread = g.unreduce(cotangent, getAxes(), shapeOf(getX()));
  if (getKind() == Reduction::max || getKind() == Reduction::min)
    spread = g.mul(shareOfTies(g, *this), spread);
  return {spread};
}

SmallVector<Value> ReduceOp::batch(Batch &batch, ArrayRef<Value> operands) {
  SmallVector<int64_t> axes;
  for (int64_t axis : getAxes())
    axes.push_back(axis + 1);
  return {batch.make<ReduceOp>(getKind(), operands[0], axes)};
}

void ReduceOp::lower(Lowering &lowering) { lowering.structured(); }

} // namespace phlox
