// Rules of gather.
#include "compiler/ops/Rules.h"
#include <algorithm>

namespace phlox {

llvm::LogicalResult GatherOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                               Adaptor adaptor, Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  ArrayRef<int64_t> index = shapeOf(adaptor.getIndex());
  if (index.size() >= shape.size())
    return mlir::emitOptionalError(
        where, "[gather_c1] index must have a lower rank than x: got ",
        formatShape(index), " for ", formatShape(shape));
  if (shape.take_front(index.size()) != index)
    return mlir::emitOptionalError(
        where, "[gather_c2] x must begin with the index's extents: got ",
        formatShape(shape), " for ", formatShape(index));
  types.push_back(reshaped(adaptor.getX(), withoutAxis(shape, index.size())));
  return mlir::success();
}

void GatherOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0), &index = evaluation.operand(1);
  AxisView view(x.shape(), index.shape().size());
  if (view.extent == 0)
    return;
  for (int64_t b = 0; b < view.outer; ++b) {
    int64_t p = std::min<uint64_t>(index.counts[b], view.extent - 1);
    copyElements(x, (b * view.extent + p) * view.inner, evaluation.result(),
                 b * view.inner, view.inner);
  }
}

SmallVector<Value> GatherOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.make<GatherOp>(tangents[0], getIndex())};
}
SmallVector<Value> GatherOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                 ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value(), Value()};
  int64_t count = shapeOf(getX())[shapeOf(getIndex()).size()];
  return {g.make<ScatterAddOp>(cotangents[0], getIndex(), count), Value()};
}

PHLOX_BATCH_SAME(GatherOp)

void GatherOp::lower(Lowering &lowering) {
  lowering.kernel(gatherKernel(*this));
}

} // namespace phlox
