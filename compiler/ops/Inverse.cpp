// Rules of inverse: d x^-1 = -x^-1 dx x^-1.
#include "compiler/ops/Rules.h"
#include <cmath>
#include <utility>

namespace phlox {
namespace {

// Gauss-Jordan elimination of `a` (destroyed) into its inverse `b`
void invert(double *a, double *b, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    b[i * n + i] = 1;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i)
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k]))
        pivot = i;
    if (pivot != k) {
      std::swap_ranges(a + k * n, a + (k + 1) * n, a + pivot * n);
      std::swap_ranges(b + k * n, b + (k + 1) * n, b + pivot * n);
    }
    double scale = 1 / a[k * n + k];
    for (int64_t j = 0; j < n; ++j)
      a[k * n + j] *= scale, b[k * n + j] *= scale;
    for (int64_t i = 0; i < n; ++i) {
      double factor = a[i * n + k];
      if (i == k)
        continue;
      for (int64_t j = 0; j < n; ++j) {
        a[i * n + j] -= factor * a[k * n + j];
        b[i * n + j] -= factor * b[k * n + j];
      }
    }
  }
}

} // namespace

llvm::LogicalResult InverseOp::inferReturnTypes(mlir::MLIRContext *,
                                                Where where, Adaptor adaptor,
                                                Types &types) {
  if (failed(checkSquare(where, "[inverse_c1]", "[inverse_c2]",
                         shapeOf(adaptor.getX()))))
    return mlir::failure();
  types.push_back(adaptor.getX().getType());
  return mlir::success();
}

void InverseOp::eval(Evaluation &evaluation) {
  std::vector<double> work = evaluation.operand(0).reals;
  HostTensor &result = evaluation.result();
  int64_t n = result.shape().back();
  for (int64_t start = 0; start < result.size(); start += n * n)
    invert(work.data() + start, result.reals.data() + start, n);
}

SmallVector<Value> InverseOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  Value right = g.make<MatmulOp>(tangents[0], getResult());
  return {g.neg(g.make<MatmulOp>(getResult(), right))};
}
SmallVector<Value> InverseOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                  ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  Value transposed = g.transposeLast(getResult());
  Value right = g.make<MatmulOp>(cotangents[0], transposed);
  return {g.neg(g.make<MatmulOp>(transposed, right))};
}

PHLOX_BATCH_SAME(InverseOp)

void InverseOp::lower(Lowering &lowering) {
  lowering.kernel(inverseKernel(*this));
}

} // namespace phlox
