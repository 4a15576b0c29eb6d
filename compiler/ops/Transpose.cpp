// Rules of transpose.
#include "compiler/ops/Rules.h"
#include <algorithm>

namespace phlox {

llvm::LogicalResult TransposeOp::inferReturnTypes(mlir::MLIRContext *,
                                                  Where where, Adaptor adaptor,
                                                  Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  SmallVector<int64_t> sorted(permutation), result;
  llvm::sort(sorted);
  bool valid = sorted.size() == shape.size();
  for (size_t i = 0; valid && i < sorted.size(); ++i)
    valid = sorted[i] == int64_t(i);
  if (!valid)
    return mlir::emitOptionalError(
        where,
        "[transpose_c1] permutation must hold 0 to rank - 1 once each: "
        "got [",
        llvm::make_range(permutation.begin(), permutation.end()), "] for ",
        formatShape(shape));
  for (int64_t axis : permutation)
    result.push_back(shape[axis]);
  types.push_back(reshaped(adaptor.getX(), result));
  return mlir::success();
}

void TransposeOp::eval(Evaluation &evaluation) {
  SmallVector<int64_t> from = stridesOf(evaluation.operand(0).shape()), strides;
  for (int64_t axis : getPermutation())
    strides.push_back(from[axis]);
  evalStrided(evaluation, strides);
}

SmallVector<Value> TransposeOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  return {g.make<TransposeOp>(tangents[0], getPermutation())};
}
SmallVector<Value> TransposeOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                    ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  SmallVector<int64_t> inverse(getPermutation().size());
  for (auto [to, from] : llvm::enumerate(getPermutation()))
    inverse[from] = to;
  return {g.make<TransposeOp>(cotangents[0], inverse)};
}

SmallVector<Value> TransposeOp::batch(Batch &batch, ArrayRef<Value> operands) {
  SmallVector<int64_t> permutation{0};
  for (int64_t axis : getPermutation())
    permutation.push_back(axis + 1);
  return {batch.make<TransposeOp>(operands[0], permutation)};
}

void TransposeOp::lower(Lowering &lowering) {
  IndexMap map;
  map.source.resize(getPermutation().size());
  map.offset.resize(getPermutation().size());
  for (auto [to, from] : llvm::enumerate(getPermutation()))
    map.source[from] = to;
  lowering.rearrange(map);
}

} // namespace phlox
