// Copies that read along another dimension than they write: square tiles,
// turned in registers.
#include "compiler/codegen/cpu/Emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace phlox::cpu {

// In log2 n rounds: each swaps the off-diagonal blocks of size s in all blocks
// of size 2 s.
// Source: Eklundh, A fast computer method for matrix transposing, 1972.
void turn(KernelBuilder &k, llvm::SmallVectorImpl<Value> &tile) {
  const auto n = int64_t(tile.size());
  for (int64_t s = 1; s < n; s *= 2)
    for (int64_t i = 0; i < n; i++) {
      if (i & s)
        continue;
      SmallVector<int64_t> upper, lower;
      for (int64_t lane = 0; lane < n; lane++) {
        upper.push_back(lane & s ? n + lane - s : lane);
        lower.push_back(lane & s ? n + lane : lane + s);
      }
      Value x = tile[i], y = tile[i + s];
      tile[i] = mlir::vector::ShuffleOp::create(k.b, x, y, upper);
      tile[i + s] = mlir::vector::ShuffleOp::create(k.b, x, y, lower);
    }
}

bool isTransposition(const Kernel &kernel, const KernelBuilder &k,
                     ArrayRef<Group> groups, const std::optional<Copy> &copy,
                     const Strides &target) {
  if (kernel.chain || !copy || groups.size() < 2 || !target.quotients.empty())
    return false;
  const Group &rows = groups[groups.size() - 2], &columns = groups.back();
  return shapeOf(kernel.root).size() == target.perDim.size() &&
         tensorType(kernel.root).getElementType().isF32() &&
         rows.extent >= k.lanes && columns.extent >= k.lanes &&
         copy->strides.perDim[rows.last] == 1 &&
         copy->strides.perDim[columns.last] != 1 &&
         target.perDim[columns.last] == 1;
}

void emitTransposition(KernelBuilder &k, Expression &expression,
                       ArrayRef<Group> groups, int64_t tasks, Value task,
                       const Copy &copy, Value targetBase,
                       const Strides &target,
                       llvm::function_ref<void(int64_t)> body) {
  const Group &rows = groups[groups.size() - 2], &columns = groups.back();
  const int64_t n = k.lanes, blocks = rows.extent / n;
  const int64_t width = columns.extent / n * n, tail = columns.extent - width;
  auto blockOfRows = [&](Value row) {
    k.loop(0, width, n, [&](Value column) {
      SmallVector<Value> tile;
      expression.setIndex(rows, row);
      for (int64_t lane = 0; lane < n; lane++) {
        expression.setIndex(columns, k.add(column, lane));
        tile.push_back(k.load(copy.base, expression.linear(copy.strides),
                              k.b.getF32Type(), n));
      }
      turn(k, tile);
      expression.setIndex(columns, column);
      for (int64_t lane = 0; lane < n; lane++) {
        expression.setIndex(rows, k.add(row, lane));
        k.store(tile[lane], targetBase, expression.linear(target));
      }
    });
    if (!tail)
      return;
    k.loop(row, k.add(row, n), 1, [&](Value one) {
      expression.setIndex(rows, one);
      expression.setIndex(columns, k.i64(width));
      expression.setVector(&columns, tail);
      body(tail);
    });
  };
  const bool split = groups.size() == 2 && tasks > 1;
  auto all = [&] {
    Value from = k.i64(0), to = k.i64(blocks);
    if (split) {
      from = k.taskBegin(task, tasks, blocks);
      to = k.taskBegin(k.add(task, 1), tasks, blocks);
    }
    k.loop(k.mul(from, n), k.mul(to, n), n, blockOfRows);
    if (rows.extent % n == 0)
      return;
    auto lastRows = [&] {
      k.loop(blocks * n, rows.extent, 1, [&](Value row) {
        expression.setIndex(rows, row);
        emitVectors(k, expression, columns, 1, Value(), Value(), body);
      });
    };
    if (split)
      k.when(mlir::arith::CmpIOp::create(k.b, mlir::arith::CmpIPredicate::eq,
                                         task, k.i64(tasks - 1)),
             lastRows);
    else
      lastRows();
  };
  if (groups.size() == 2)
    all();
  else
    emitLoops(k, expression, groups.drop_back(2), tasks, task, Value(), all);
}

} // namespace phlox::cpu
