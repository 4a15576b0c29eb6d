// Rules of pad.
#include "compiler/ops/Rules.h"

namespace phlox {

llvm::LogicalResult PadOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                            Adaptor adaptor, Types &types) {
  SmallVector<int64_t> shape(shapeOf(adaptor.getX()));
  ArrayRef<int64_t> low = adaptor.getLow(), high = adaptor.getHigh();
  if (low.size() != shape.size() || high.size() != shape.size())
    return mlir::emitOptionalError(where, "[pad_c1] low and high must have ",
                                   shape.size(), " entries for ",
                                   formatShape(shape), ": got ", low.size(),
                                   " and ", high.size());
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (low[axis] < 0 || high[axis] < 0)
      return mlir::emitOptionalError(
          where, "[pad_c2] widths must be at least 0: got ", low[axis], " and ",
          high[axis], " for axis ", axis);
    shape[axis] += low[axis] + high[axis];
  }
  types.push_back(reshaped(adaptor.getX(), shape));
  return mlir::success();
}

void PadOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0);
  HostTensor &result = evaluation.result();
  SmallVector<int64_t> strides = stridesOf(result.shape());
  int64_t offset = 0;
  for (auto [stride, low] : llvm::zip(strides, getLow()))
    offset += stride * low;
  // whole rows of the last axis
  ArrayRef<int64_t> rows = x.shape(), steps = strides;
  int64_t width = rows.empty() ? 1 : rows.back();
  if (!rows.empty())
    rows = rows.drop_back(), steps = steps.drop_back();
  forEachOffset(rows, steps, offset, [&](int64_t i, int64_t to) {
    copyElements(x, i * width, result, to, width);
  });
}

SmallVector<Value> PadOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.make<PadOp>(tangents[0], getLow(), getHigh())};
}
SmallVector<Value> PadOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                              ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  return {g.make<SliceOp>(cotangents[0], getLow(), shapeOf(getX()))};
}

SmallVector<Value> PadOp::batch(Batch &batch, ArrayRef<Value> operands) {
  return {batch.make<PadOp>(operands[0], inFront(0, getLow()),
                            inFront(0, getHigh()))};
}

void PadOp::lower(Lowering &lowering) { lowering.kernel(padKernel(*this)); }

} // namespace phlox
