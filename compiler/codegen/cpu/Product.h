// A matrix product as its emitters see it: operands in memory, and behind each
// sum the element-wise ops of its kernel.
#pragma once
#include "compiler/codegen/cpu/Emit.h"

namespace phlox::cpu {

struct Product {
  Kernel &kernel;
  KernelBuilder &k;
  const Target &target;
  Expression &expression;
  Value product;
  int64_t rank, rows, columns, depth;
  Value lhsBase, rhsBase;
  Strides lhs, rhs, out;   ///< of an rhs with columns: neighbours are columns
  SmallVector<Group> dims; ///< one per dimension: batch ..., M, N, K
  Value firstRow;          ///< of a chain's tile; null: all rows
  Value packed;            ///< rhs packed by another kernel; null: it is not

  Group &rowDim() { return dims[rank - 2]; }
  Group &columnDim() { return dims[rank - 1]; }
  int64_t stride(const Strides &strides, int64_t dim) const {
    return strides.perDim[dim];
  }
  int64_t batches() const;
  /// Element index of an operand without its row, column and k parts.
  Value batchIndex(const Strides &strides, ArrayRef<Value> batch);
  /// Splits the task number into batch indices, and returns the rest.
  Value splitBatch(Value task, int64_t perBatch, SmallVector<Value> &batch);
  /// Stores what becomes of a vector of sums.
  void finish(Value sum, Value row, Value column, const Group &vector,
              int64_t width);

  Value remainder(Value x, int64_t n);
  Value quotient(Value x, int64_t n);
  Value equal(Value x, int64_t n);
};

/// How the tasks of a batch share the rows and columns of its tiles.
struct TaskGrid {
  int64_t rows = 1, columns = 1;
};
TaskGrid taskGrid(const Product &product, int64_t tilesOfRows,
                  int64_t tilesOfColumns);

/// Whether the target rounds operands to bf16: few rows, columns or terms
/// would leave most of a tile empty.
bool usesBf16(const Target &target, int64_t rows, int64_t depth,
              int64_t columns);
/// Emits one task of a product from tiles of bf16.
void emitBf16Product(Product &product, Value task);

} // namespace phlox::cpu
