// Rules of stretch.
#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult StretchOp::inferReturnTypes(mlir::MLIRContext *,
                                                Where where, Adaptor adaptor,
                                                Types &types) {
  SmallVector<int64_t> shape(shapeOf(adaptor.getX()));
  int64_t axis = adaptor.getAxis(), count = adaptor.getCount();
  if (failed(checkAxis(where, "[stretch_c1]", axis, shape.size(), shape)))
    return mlir::failure();
  if (count < 1 || llvm::MulOverflow(shape[axis], count, shape[axis]))
    return mlir::emitOptionalError(
        where,
        "[stretch_c2] count must be at least 1 and keep the extent below 2^63: "
        "got ",
        count, " for ", formatShape(shapeOf(adaptor.getX())));
  types.push_back(reshaped(adaptor.getX(), shape));
  return mlir::success();
}

void StretchOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0);
  HostTensor &result = evaluation.result();
  AxisView view(x.shape(), getAxis());
  int64_t count = getCount();
  for (int64_t row = 0; row < view.outer * view.extent; ++row)
    for (int64_t copy = 0; copy < count; ++copy)
      copyElements(x, row * view.inner, result,
                   (row * count + copy) * view.inner, view.inner);
}

SmallVector<Value> StretchOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.make<StretchOp>(tangents[0], getCount(), getAxis())};
}
SmallVector<Value> StretchOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                  ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  int64_t inserted = getAxis() + 1;
  Value apart =
      g.reshape(cotangents[0], withAxis(shapeOf(getX()), inserted, getCount()));
  return {g.sum(apart, {inserted})};
}

PHLOX_BATCH_AXIS(StretchOp)

void StretchOp::lower(Lowering &lowering) {
  IndexMap map;
  int64_t rank = tensorType(getX()).getRank();
  for (int64_t axis = 0; axis < rank; ++axis) {
    map.source.push_back(axis);
    map.offset.push_back(0);
    map.divisor.push_back(axis == int64_t(getAxis()) ? getCount() : 1);
  }
  lowering.rearrange(map);
}

} // namespace phlox
