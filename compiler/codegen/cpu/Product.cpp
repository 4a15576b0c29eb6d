#include "compiler/codegen/cpu/Product.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <algorithm>

namespace phlox::cpu {
namespace arith = mlir::arith;

int64_t Product::batches() const {
  int64_t count = 1;
  for (int64_t dim = 0; dim < rank - 2; dim++)
    count *= dims[dim].extent;
  return count;
}

Value Product::batchIndex(const Strides &strides, ArrayRef<Value> batch) {
  Value index = k.i64(strides.constant);
  for (auto [dim, value] : llvm::enumerate(batch))
    index = k.add(index, k.mul(value, strides.perDim[dim]));
  return index;
}

Value Product::splitBatch(Value task, int64_t perBatch,
                          SmallVector<Value> &batch) {
  Value inside = perBatch == 1 ? k.i64(0) : remainder(task, perBatch);
  Value which = quotient(task, perBatch);
  batch.resize(rank - 2);
  for (int64_t dim = rank - 3; dim >= 0; dim--) {
    int64_t extent = dims[dim].extent;
    batch[dim] = extent == 1 ? k.i64(0) : remainder(which, extent);
    which = quotient(which, extent);
    expression.setIndex(dims[dim], batch[dim]);
  }
  return inside;
}

void Product::finish(Value sum, Value row, Value column, const Group &vector,
                     int64_t width) {
  expression.setIndex(rowDim(), row);
  expression.setIndex(columnDim(), column);
  expression.setVector(&vector, width);
  auto access = Expression::identity(rank);
  expression.bind(product, access, sum);
  Value value = expression.emit(kernel.root, access, true);
  k.store(value, expression.base(kernel.target), expression.linear(out),
          expression.vectorStride(out));
}

Value Product::remainder(Value x, int64_t n) {
  return arith::RemUIOp::create(k.b, x, k.i64(n));
}
Value Product::quotient(Value x, int64_t n) {
  return n == 1 ? x : arith::DivUIOp::create(k.b, x, k.i64(n)).getResult();
}
Value Product::equal(Value x, int64_t n) {
  return arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, x, k.i64(n));
}

TaskGrid taskGrid(const Product &product, int64_t tilesOfRows,
                  int64_t tilesOfColumns) {
  if (product.firstRow)
    return {};
  double cost = product.kernel.cost / product.batches();
  TaskGrid grid;
  double each = product.target.bf16Parts ? 4000 : 20000; // nanoseconds
  grid.rows = tasksFor(cost, tilesOfRows, each);
  int64_t wanted = tasksFor(cost, 64, each);
  if (grid.rows < wanted && grid.rows < 8)
    grid.columns = std::clamp<int64_t>(wanted / grid.rows, 1,
                                       std::max<int64_t>(tilesOfColumns, 1));
  return grid;
}

} // namespace phlox::cpu
