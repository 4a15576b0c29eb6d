// Rules of logdet: d ln |det x| = tr(x^-1 dx).
#include "compiler/ops/Rules.h"
#include <cmath>
#include <utility>

namespace phlox {
namespace {

Value inverseTransposed(Graph &g, Value x) {
  return g.transposeLast(g.make<InverseOp>(x));
}

// ln |det| of a row-major matrix, which elimination destroys
double logDeterminant(double *a, int64_t n) {
  double sum = 0;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i)
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k]))
        pivot = i;
    if (a[pivot * n + k] == 0)
      return -std::numeric_limits<double>::infinity();
    std::swap_ranges(a + k * n, a + (k + 1) * n, a + pivot * n);
    sum += std::log(std::fabs(a[k * n + k]));
    for (int64_t i = k + 1; i < n; ++i) {
      double factor = a[i * n + k] / a[k * n + k];
      for (int64_t j = k + 1; j < n; ++j)
        a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return sum;
}

} // namespace

llvm::LogicalResult LogDetOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                               Adaptor adaptor, Types &types) {
  ArrayRef<int64_t> shape = shapeOf(adaptor.getX());
  if (failed(checkSquare(where, "[logdet_c1]", "[logdet_c2]", shape)))
    return mlir::failure();
  types.push_back(reshaped(adaptor.getX(), shape.drop_back(2)));
  return mlir::success();
}

void LogDetOp::eval(Evaluation &evaluation) {
  std::vector<double> work = evaluation.operand(0).reals;
  int64_t n = evaluation.operand(0).shape().back();
  std::vector<double> &result = evaluation.result().reals;
  for (size_t b = 0; b < result.size(); ++b)
    result[b] = logDeterminant(work.data() + b * n * n, n);
}

SmallVector<Value> LogDetOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[0])
    return {Value()};
  int64_t rank = tensorType(getX()).getRank();
  Value product = g.mul(inverseTransposed(g, getX()), tangents[0]);
  return {g.sum(product, {rank - 2, rank - 1})};
}
SmallVector<Value> LogDetOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                 ArrayRef<bool>) {
  if (!cotangents[0])
    return {Value()};
  int64_t rank = tensorType(getX()).getRank();
  Value spread =
      g.unreduce(cotangents[0], {rank - 2, rank - 1}, shapeOf(getX()));
  return {g.mul(spread, inverseTransposed(g, getX()))};
}

PHLOX_BATCH_SAME(LogDetOp)

void LogDetOp::lower(Lowering &lowering) {
  lowering.kernel(logDetKernel(*this));
}

} // namespace phlox
