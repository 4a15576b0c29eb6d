// Rules of scatteradd.
#include "compiler/ops/Rules.h"
#include <algorithm>

namespace phlox {

llvm::LogicalResult ScatterAddOp::inferReturnTypes(mlir::MLIRContext *,
                                                   Where where, Adaptor adaptor,
                                                   Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  ArrayRef<int64_t> index = shapeOf(adaptor.getIndex());
  int64_t count = adaptor.getCount();
  if (index.size() > shape.size())
    return mlir::emitOptionalError(
        where, "[scatteradd_c1] index must not have a higher rank than x: got ",
        formatShape(index), " for ", formatShape(shape));
  if (shape.take_front(index.size()) != index)
    return mlir::emitOptionalError(
        where, "[scatteradd_c2] x must begin with the index's extents: got ",
        formatShape(shape), " for ", formatShape(index));
  if (count < 1)
    return mlir::emitOptionalError(
        where, "[scatteradd_c3] count must be at least 1: got ", count);
  types.push_back(
      reshaped(adaptor.getX(), withAxis(shape, index.size(), count)));
  return mlir::success();
}

void ScatterAddOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0), &index = evaluation.operand(1);
  HostTensor &result = evaluation.result();
  AxisView view(result.shape(), index.shape().size());
  for (int64_t b = 0; b < view.outer; ++b) {
    int64_t p = std::min<uint64_t>(index.counts[b], view.extent - 1);
    copyElements(x, b * view.inner, result, (b * view.extent + p) * view.inner,
                 view.inner);
  }
}

SmallVector<Value> ScatterAddOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.make<ScatterAddOp>(tangents[0], getIndex(), getCount())};
}
SmallVector<Value> ScatterAddOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                     ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value(), Value()};
  return {g.make<GatherOp>(cotangents[0], getIndex()), Value()};
}

PHLOX_BATCH_SAME(ScatterAddOp)

void ScatterAddOp::lower(Lowering &lowering) {
  lowering.kernel(scatterAddKernel(*this));
}

} // namespace phlox
