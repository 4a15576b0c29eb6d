// Rules of concat.
#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult ConcatOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                               Adaptor adaptor, Types &types) {
  mlir::ValueRange parts = adaptor.getOperands();
  if (parts.empty())
    return mlir::emitOptionalError(
        where, "[concat_c1] at least one operand is needed: got none");
  SmallVector<int64_t> shape(shapeOf(parts[0]));
  int64_t axis = adaptor.getAxis();
  if (failed(checkAxis(where, "[concat_c2]", axis, shape.size(), shape)))
    return mlir::failure();
  for (Value part : parts.drop_front()) {
    SmallVector<int64_t> other(shapeOf(part));
    bool fits = other.size() == shape.size() &&
                reshaped(part, {}) == reshaped(parts[0], {});
    for (size_t i = 0; fits && i < shape.size(); ++i)
      fits = int64_t(i) == axis || other[i] == shape[i];
    if (!fits)
      return mlir::emitOptionalError(
          where, "[concat_c3] types must agree but for axis ", axis, ": got ",
          parts[0].getType(), " and ", part.getType());
    shape[axis] += other[axis];
  }
  types.push_back(reshaped(parts[0], shape));
  return mlir::success();
}

void ConcatOp::eval(Evaluation &evaluation) {
  HostTensor &result = evaluation.result();
  AxisView whole(result.shape(), getAxis());
  int64_t start = 0;
  for (unsigned i = 0; i < (*this)->getNumOperands(); ++i) {
    const HostTensor &part = evaluation.operand(i);
    int64_t row = part.shape()[getAxis()] * whole.inner;
    for (int64_t block = 0; block < whole.outer; ++block)
      copyElements(part, block * row, result,
                   block * whole.extent * whole.inner + start, row);
    start += row;
  }
}

SmallVector<Value> ConcatOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (llvm::none_of(tangents, [](Value t) { return bool(t); }))
    return {Value()};
  SmallVector<Value> parts(tangents);
  for (auto [part, operand] : llvm::zip(parts, getOperands()))
    if (!part)
      part = g.zeros(tensorType(operand));
  return {g.make<ConcatOp>(parts, getAxis())};
}
SmallVector<Value> ConcatOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                 ArrayRef<bool> needed) {
  SmallVector<Value> results((*this)->getNumOperands());
  if (!cotangents[0])
    return results;
  SmallVector<int64_t> start(tensorType(getResult()).getRank());
  for (auto [i, operand] : llvm::enumerate(getOperands())) {
    if (needed[i])
      results[i] = g.make<SliceOp>(cotangents[0], start, shapeOf(operand));
    start[getAxis()] += shapeOf(operand)[getAxis()];
  }
  return results;
}

PHLOX_BATCH_AXIS(ConcatOp)

void ConcatOp::lower(Lowering &lowering) { lowering.structured(); }

} // namespace phlox
