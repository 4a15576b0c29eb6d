// Rules of reshape.
#include "compiler/ops/Rules.h"

namespace phlox {
namespace {

// which result axis each operand axis is, if only unit axes come and go
std::optional<IndexMap> unitAxesMap(ArrayRef<int64_t> from,
                                    ArrayRef<int64_t> to) {
  IndexMap map;
  size_t next = 0;
  for (int64_t extent : from) {
    map.offset.push_back(0);
    if (extent == 1) {
      map.source.push_back(-1);
      continue;
    }
    while (next < to.size() && to[next] == 1)
      ++next;
    if (next == to.size() || to[next] != extent)
      return std::nullopt;
    map.source.push_back(next++);
  }
  return map;
}

} // namespace

llvm::LogicalResult ReshapeOp::inferReturnTypes(mlir::MLIRContext *,
                                                Where where, Adaptor adaptor,
                                                Types &types) {
  int64_t elements = tensorType(adaptor.getX()).getNumElements();
  ArrayRef<int64_t> shape = adaptor.getShape();
  std::optional<int64_t> count = elementCount(shape);
  if (!count || *count != elements)
    return mlir::emitOptionalError(
        where, "[reshape_c1] shape must hold the ", elements, " elements of ",
        formatShape(shapeOf(adaptor.getX())), ": got ", formatShape(shape));
  types.push_back(reshaped(adaptor.getX(), shape));
  return mlir::success();
}

void ReshapeOp::eval(Evaluation &evaluation) {
  copyElements(evaluation.operand(0), 0, evaluation.result(), 0,
               evaluation.result().size());
}

SmallVector<Value> ReshapeOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.reshape(tangents[0], getShape())};
}
SmallVector<Value> ReshapeOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                  ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  return {g.reshape(cotangents[0], shapeOf(getX()))};
}

SmallVector<Value> ReshapeOp::batch(Batch &batch, ArrayRef<Value> operands) {
  return {batch.reshape(operands[0], inFront(batch.size, getShape()))};
}

void ReshapeOp::lower(Lowering &lowering) {
  if (auto map = unitAxesMap(shapeOf(getX()), getShape()))
    lowering.rearrange(*map);
  else
    lowering.alias();
}

} // namespace phlox
