// Rules of cholesky: dL = L P(L^-1 dS L^-T), where P keeps the lower triangle
// and half of the diagonal. The op reads S = P(x) + P(x)^T.
// Source: Murray 2016, Differentiation of the Cholesky decomposition.
#include "compiler/ops/Rules.h"
#include <cmath>

namespace phlox {
namespace {

// P; its transpose is P too
Value lowerHalf(Graph &g, Value x) {
  int64_t n = shapeOf(x).back();
  std::vector<float> mask(n * n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j <= i; ++j)
      mask[i * n + j] = i == j ? 0.5f : 1;
  auto type = RankedTensorType::get({n, n}, g.getF32Type());
  Value constant = g.make<ConstantOp>(
      mlir::DenseElementsAttr::get(type, ArrayRef<float>(mask)));
  return g.mul(x, g.broadcast(constant, shapeOf(x)));
}
Value plusTransposed(Graph &g, Value x) { return g.add(x, g.transposeLast(x)); }

// factors the lower triangle of row-major `a` in place
void factor(double *a, int64_t n) {
  for (int64_t k = 0; k < n; ++k) {
    double pivot = a[k * n + k];
    double root = pivot > 0 ? std::sqrt(pivot) : std::nan("");
    for (int64_t i = k; i < n; ++i)
      a[i * n + k] /= root;
    for (int64_t i = k + 1; i < n; ++i)
      for (int64_t j = k + 1; j <= i; ++j)
        a[i * n + j] -= a[i * n + k] * a[j * n + k];
    for (int64_t j = k + 1; j < n; ++j)
      a[k * n + j] = 0;
  }
}

} // namespace

llvm::LogicalResult CholeskyOp::inferReturnTypes(mlir::MLIRContext *,
                                                 Where where, Adaptor adaptor,
                                                 Types &types) {
  if (failed(checkSquare(where, "[cholesky_c1]", "[cholesky_c2]",
                         shapeOf(adaptor.getX()))))
    return mlir::failure();
  types.push_back(adaptor.getX().getType());
  return mlir::success();
}

void CholeskyOp::eval(Evaluation &evaluation) {
  HostTensor &result = evaluation.result();
  result.reals = evaluation.operand(0).reals;
  int64_t n = result.shape().back();
  for (int64_t start = 0; start < result.size(); start += n * n)
    factor(result.reals.data() + start, n);
}

SmallVector<Value> CholeskyOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  Value inverse = g.make<InverseOp>(getResult());
  Value symmetric = plusTransposed(g, lowerHalf(g, tangents[0]));
  Value right = g.make<MatmulOp>(symmetric, g.transposeLast(inverse));
  Value inner = lowerHalf(g, g.make<MatmulOp>(inverse, right));
  return {g.make<MatmulOp>(getResult(), inner)};
}
SmallVector<Value> CholeskyOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                   ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  Value inverse = g.make<InverseOp>(getResult());
  Value inner = lowerHalf(
      g, g.make<MatmulOp>(g.transposeLast(getResult()), cotangents[0]));
  Value right = g.make<MatmulOp>(inner, inverse);
  Value outer = g.make<MatmulOp>(g.transposeLast(inverse), right);
  return {lowerHalf(g, plusTransposed(g, outer))};
}

PHLOX_BATCH_SAME(CholeskyOp)

void CholeskyOp::lower(Lowering &lowering) {
  lowering.kernel(choleskyKernel(*this));
}

} // namespace phlox
