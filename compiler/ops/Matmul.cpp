// Rules of matmul.
#include "compiler/ops/Rules.h"
#include <numeric>

namespace phlox {
namespace {

// (n, b..., M, K) by a shared (b..., K, N): the rows of all examples are rows
// of one matrix, so that nothing is copied
Value timesShared(Batch &batch, Value lhs, Value rhs) {
  SmallVector<int64_t> shape(shapeOf(lhs));
  // where the examples go: behind the op's own batch axes, and back
  SmallVector<int64_t> there(shape.size());
  std::iota(there.begin(), there.end(), 0);
  auto end = there.end() - 2;
  bool moves = shape.size() > 3;
  std::rotate(there.begin(), there.begin() + 1, end);
  Value moved = moves ? batch.make<TransposeOp>(lhs, there) : lhs;
  SmallVector<int64_t> flat(shapeOf(moved)), apart = flat;
  flat.erase(flat.end() - 3);
  flat[flat.size() - 2] *= batch.size;
  Value product = batch.make<MatmulOp>(batch.reshape(moved, flat), rhs);
  apart.back() = shapeOf(rhs).back();
  Value result = batch.reshape(product, apart);
  SmallVector<int64_t> back(there.size());
  for (auto [to, from] : llvm::enumerate(there))
    back[from] = int64_t(to);
  return moves ? batch.make<TransposeOp>(result, back) : result;
}

} // namespace

llvm::LogicalResult MatmulOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                               Adaptor adaptor, Types &types) {
  ArrayRef<int64_t> lhs = shapeOf(adaptor.getLhs());
  ArrayRef<int64_t> rhs = shapeOf(adaptor.getRhs());
  if (lhs.size() != rhs.size() || lhs.size() < 2)
    return mlir::emitOptionalError(
        where, "[matmul_c1] operands must have one rank, 2 or more: lhs ",
        formatShape(lhs), ", rhs ", formatShape(rhs));
  size_t batch = lhs.size() - 2;
  if (lhs.back() != rhs[batch])
    return mlir::emitOptionalError(
        where, "[matmul_c2] contracting dims differ: lhs ", formatShape(lhs),
        ", rhs ", formatShape(rhs));
  if (lhs.take_front(batch) != rhs.take_front(batch))
    return mlir::emitOptionalError(where, "[matmul_c2] batch dims differ: lhs ",
                                   formatShape(lhs), ", rhs ",
                                   formatShape(rhs));
  SmallVector<int64_t> shape(lhs);
  shape.back() = rhs.back();
  types.push_back(reshaped(adaptor.getLhs(), shape));
  return mlir::success();
}

void MatmulOp::eval(Evaluation &evaluation) {
  const HostTensor &lhs = evaluation.operand(0), &rhs = evaluation.operand(1);
  size_t batchAxes = lhs.shape().size() - 2;
  int64_t rows = lhs.shape()[batchAxes], depth = lhs.shape()[batchAxes + 1];
  int64_t columns = rhs.shape()[batchAxes + 1];
  int64_t batch = *elementCount(lhs.shape().take_front(batchAxes));
  for (int64_t row = 0; row < batch * rows; ++row) {
    const double *a = lhs.reals.data() + row * depth;
    const double *b = rhs.reals.data() + row / rows * depth * columns;
    double *c = evaluation.result().reals.data() + row * columns;
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t j = 0; j < columns; ++j)
        c[j] += a[k] * b[k * columns + j];
  }
}

SmallVector<Value> MatmulOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  Value left, right;
  if (tangents[0])
    left = g.make<MatmulOp>(tangents[0], getRhs());
  if (tangents[1])
    right = g.make<MatmulOp>(getLhs(), tangents[1]);
  return {g.accumulate(left, right)};
}

SmallVector<Value> MatmulOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                 ArrayRef<bool> needed) {
  Value left, right;
  if (cotangents[0] && needed[0])
    left = g.make<MatmulOp>(cotangents[0], g.transposeLast(getRhs()));
  if (cotangents[0] && needed[1])
    right = g.make<MatmulOp>(g.transposeLast(getLhs()), cotangents[0]);
  return {left, right};
}

SmallVector<Value> MatmulOp::batch(Batch &batch, ArrayRef<Value> operands) {
  bool left = Batch::isMapped(operands[0], getLhs()),
       right = Batch::isMapped(operands[1], getRhs());
  if (left && right)
    return batch.same(*this, operands);
  if (left)
    return {timesShared(batch, operands[0], operands[1])};
  Value lhs = batch.transposeLast(operands[0]),
        rhs = batch.transposeLast(operands[1]);
  return {batch.transposeLast(timesShared(batch, rhs, lhs))};
}

void MatmulOp::lower(Lowering &lowering) { lowering.structured(); }

} // namespace phlox
