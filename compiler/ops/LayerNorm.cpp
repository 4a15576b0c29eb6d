// Rules of layernorm. Its Jacobian is symmetric: jvp and vjp are one formula.
#include "compiler/ops/Rules.h"
#include <cmath>

namespace phlox {
namespace {

Value meanOfRows(Graph &g, Value x) {
  int64_t axis = tensorType(x).getRank() - 1;
  Value mean = g.make<ReduceOp>(Reduction::mean, x, axis);
  return g.unreduce(mean, axis, shapeOf(x));
}

// 1 / sqrt(var + epsilon) in the shape of x, from x minus its mean
Value inverseDeviation(Graph &g, Value centred, double epsilon) {
  int64_t axis = tensorType(centred).getRank() - 1;
  Value variance = g.make<ReduceOp>(Reduction::mean, g.square(centred), axis);
  Value inverse = g.make<RsqrtOp>(g.shift(variance, epsilon));
  return g.unreduce(inverse, axis, shapeOf(centred));
}

} // namespace

llvm::LogicalResult LayerNormOp::inferReturnTypes(mlir::MLIRContext *,
                                                  Where where, Adaptor adaptor,
                                                  Types &types) {
  if (shapeOf(adaptor.getX()).empty())
    return mlir::emitOptionalError(
        where, "[layernorm_c1] x must have rank 1 or more: got a scalar");
  double epsilon = adaptor.getEpsilon().convertToDouble();
  if (!(epsilon > 0))
    return mlir::emitOptionalError(
        where, "[layernorm_c2] epsilon must be above 0: got ", epsilon);
  types.push_back(adaptor.getX().getType());
  return mlir::success();
}

void LayerNormOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0);
  double epsilon = getEpsilon().convertToDouble();
  AxisView view(x.shape(), x.shape().size() - 1);
  for (int64_t row = 0; row < view.outer; ++row) {
    const double *from = x.reals.data() + row * view.extent;
    double *to = evaluation.result().reals.data() + row * view.extent;
    double mean = 0, variance = 0;
    for (int64_t k = 0; k < view.extent; ++k)
      mean += from[k] / double(view.extent);
    for (int64_t k = 0; k < view.extent; ++k)
      variance += (from[k] - mean) * (from[k] - mean) / double(view.extent);
    for (int64_t k = 0; k < view.extent; ++k)
      to[k] = (from[k] - mean) / std::sqrt(variance + epsilon);
  }
}

// (t - mean(t) - y mean(y t)) / sqrt(var + epsilon)
SmallVector<Value> LayerNormOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  Value y = getResult(), tangent = tangents[0];
  Value centred = g.sub(getX(), meanOfRows(g, getX()));
  Value scale = inverseDeviation(g, centred, getEpsilon().convertToDouble());
  Value along = g.mul(y, meanOfRows(g, g.mul(y, tangent)));
  Value rest = g.sub(g.sub(tangent, meanOfRows(g, tangent)), along);
  return {g.mul(rest, scale)};
}
SmallVector<Value> LayerNormOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                    ArrayRef<bool>) {
  return jvp(g, cotangents);
}

PHLOX_BATCH_SAME(LayerNormOp)

void LayerNormOp::lower(Lowering &lowering) {
  lowering.decompose([op = *this](Graph &g) mutable -> SmallVector<Value> {
    Value centred = g.sub(op.getX(), meanOfRows(g, op.getX()));
    double epsilon = op.getEpsilon().convertToDouble();
    return {g.mul(centred, inverseDeviation(g, centred, epsilon))};
  });
}

} // namespace phlox
