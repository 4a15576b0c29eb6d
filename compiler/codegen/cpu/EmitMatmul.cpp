// Matrix products: register tiles of fused multiply-adds whose accumulators go
// through the kernel's element-wise tail before they are stored. k ascends in
// every sum.
#include "compiler/codegen/cpu/F32Panels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <algorithm>

namespace phlox::cpu {
namespace arith = mlir::arith;

namespace {
struct MatmulEmitter : Product {
  int64_t panelWidth = 0; // of what is packed, if something is

  // `tileRows` x `vectors` accumulators of `width` lanes at (row, column)
  void tile(ArrayRef<Value> batch, Value row, int64_t tileRows, Value column,
            int64_t vectors, int64_t width) {
    VectorBuilder vb(k.b, width);
    if (firstRow)
      row = k.add(firstRow, row);
    Value zero = vb.real(0);
    SmallVector<Value> sums(tileRows * vectors, zero), lhsAt;
    Value lhsStart = batchIndex(lhs, batch);
    for (int64_t i = 0; i < tileRows; i++)
      lhsAt.push_back(
          k.add(lhsStart, k.mul(k.add(row, i), stride(lhs, rank - 2))));
    // of a panel, or of the operand as it lies
    bool isPanel = packed && vectors * width == panelWidth;
    Value rhsFrom = isPanel ? packed : rhsBase;
    int64_t rhsStep = isPanel ? panelWidth : stride(rhs, rank);
    Value rhsAt = isPanel ? k.mul(column, depth)
                          : k.add(batchIndex(rhs, batch),
                                  k.mul(column, stride(rhs, rank - 1)));
    sums = k.loopCarrying(
        k.i64(0), k.i64(depth), 1, sums,
        [&](Value step, mlir::ValueRange carried) {
          Value rhsRow = k.add(rhsAt, k.mul(step, rhsStep));
          Value lhsStep = k.mul(step, stride(lhs, rank));
          SmallVector<Value> next, right;
          for (int64_t j = 0; j < vectors; j++)
            right.push_back(k.load(rhsFrom, k.add(rhsRow, j * width),
                                   k.b.getF32Type(), width,
                                   width == 1 ? 0 : 1));
          for (int64_t i = 0; i < tileRows; i++) {
            Value left = k.load(lhsBase, k.add(lhsAt[i], lhsStep),
                                k.b.getF32Type(), width, 0);
            for (int64_t j = 0; j < vectors; j++)
              next.push_back(vb.fma(left, right[j], carried[i * vectors + j]));
          }
          return next;
        });
    for (int64_t i = 0; i < tileRows; i++)
      for (int64_t j = 0; j < vectors; j++)
        finish(sums[i * vectors + j], k.add(row, i), k.add(column, j * width),
               columnDim(), width);
  }

  struct Columns {
    int64_t vectors, lanes;
    int64_t panels; ///< of `vectors` full vectors
    int64_t rest;   ///< full vectors after them
    int64_t tail;   ///< lanes after those
  };
  Columns cutColumns(int64_t tileRows) {
    int64_t lanes = k.lanes;
    int64_t vectors = tileVectors(target, columns);
    // few rows: more columns hide the latency; the sums of 4 rows by 4 vectors
    // would fill all registers of AVX2
    if (rows < tileRows)
      vectors = std::max<int64_t>(vectors, lanes / rows);
    int64_t full = columns / lanes;
    vectors = std::min(vectors, std::max<int64_t>(full, 1));
    return {vectors, lanes, full / vectors, full % vectors, columns % lanes};
  }

  // all tile rows of [fromTile, toTile), and the rows after the last full tile
  void rowsOf(ArrayRef<Value> batch, Value fromTile, Value toTile, Value isLast,
              int64_t tileRows, Value column, int64_t vectors, int64_t width) {
    if (rows >= tileRows)
      k.loop(k.mul(fromTile, tileRows), k.mul(toTile, tileRows), tileRows,
             [&](Value row) {
               tile(batch, row, tileRows, column, vectors, width);
             });
    int64_t tail = rows % tileRows;
    if (!tail)
      return;
    auto emitTail = [&] {
      tile(batch, k.i64(rows - tail), tail, column, vectors, width);
    };
    if (isLast)
      k.when(isLast, emitTail);
    else
      emitTail();
  }

  void tiles(Value task) {
    int64_t tileRows = target.tileRows;
    auto cut = cutColumns(tileRows);
    panelWidth = cut.vectors * cut.lanes;
    int64_t fullTiles = rows / tileRows;
    auto [rowTasks, columnTasks] = taskGrid(*this, fullTiles, cut.panels);
    kernel.tasks = batches() * rowTasks * columnTasks;
    SmallVector<Value> batch;
    Value inside =
        splitBatch(firstRow ? k.i64(0) : task, rowTasks * columnTasks, batch);
    Value rowTask = columnTasks == 1 ? inside : quotient(inside, columnTasks);
    Value columnTask =
        columnTasks == 1 ? k.i64(0) : remainder(inside, columnTasks);
    Value fromTile = k.taskBegin(rowTask, rowTasks, fullTiles);
    Value toTile = k.taskBegin(k.add(rowTask, 1), rowTasks, fullTiles);
    Value lastRows = rowTasks == 1 ? Value() : equal(rowTask, rowTasks - 1);
    int64_t panel = cut.vectors * cut.lanes;
    if (cut.panels)
      k.loop(k.mul(k.taskBegin(columnTask, columnTasks, cut.panels), panel),
             k.mul(k.taskBegin(k.add(columnTask, 1), columnTasks, cut.panels),
                   panel),
             panel, [&](Value column) {
               rowsOf(batch, fromTile, toTile, lastRows, tileRows, column,
                      cut.vectors, cut.lanes);
             });
    auto emitRest = [&] {
      int64_t column = cut.panels * panel;
      if (cut.rest) {
        rowsOf(batch, fromTile, toTile, lastRows, tileRows, k.i64(column),
               cut.rest, cut.lanes);
        column += cut.rest * cut.lanes;
      }
      if (cut.tail)
        rowsOf(batch, fromTile, toTile, lastRows, tileRows, k.i64(column), 1,
               cut.tail);
    };
    if (!cut.rest && !cut.tail)
      return;
    if (columnTasks == 1)
      emitRest();
    else
      k.when(equal(columnTask, columnTasks - 1), emitRest);
  }

  // one column, k contiguous in both operands: a dot product per row
  void dots(Value task) {
    int64_t tasks =
        firstRow ? 1 : tasksFor(kernel.cost / batches(), rows / k.lanes, 8000);
    kernel.tasks = batches() * tasks;
    SmallVector<Value> batch;
    Value inside = splitBatch(firstRow ? k.i64(0) : task, tasks, batch);
    Value column = k.i64(0);
    emitVectors(
        k, expression, rowDim(), tasks, inside, firstRow, [&](int64_t width) {
          Value row = expression.index(rowDim());
          SmallVector<Value> totals;
          for (int64_t start = 0; start < width; start += 8) {
            int64_t count = std::min<int64_t>(8, width - start);
            llvm::append_range(totals,
                               dotRows(batch, k.add(row, start), count));
          }
          auto type = mlir::VectorType::get({width}, k.b.getF32Type());
          Value sums = mlir::vector::FromElementsOp::create(k.b, type, totals);
          finish(sums, row, column, rowDim(), width);
        });
  }

  SmallVector<Value> dotRows(ArrayRef<Value> batch, Value row, int64_t count) {
    auto f32 = k.b.getF32Type();
    int64_t full = depth / k.lanes * k.lanes, tail = depth - full;
    SmallVector<Value> lhsAt;
    for (int64_t i = 0; i < count; i++)
      lhsAt.push_back(k.add(batchIndex(lhs, batch),
                            k.mul(k.add(row, i), stride(lhs, rank - 2))));
    Value rhsAt = batchIndex(rhs, batch);
    auto multiply = [&](Value step, int64_t width, mlir::ValueRange sums) {
      VectorBuilder vb(k.b, width);
      Value right = k.load(rhsBase, k.add(rhsAt, step), f32, width);
      SmallVector<Value> next;
      for (int64_t i = 0; i < count; i++)
        next.push_back(
            vb.fma(k.load(lhsBase, k.add(lhsAt[i], step), f32, width), right,
                   sums[i]));
      return next;
    };
    auto addLanes = [](VectorBuilder &vb, Value x, Value y) {
      return vb.add(x, y);
    };
    SmallVector<Value> totals(count);
    if (full) {
      VectorBuilder vb(k.b, k.lanes);
      SmallVector<Value> sums(count, vb.real(0));
      sums = k.loopCarrying(k.i64(0), k.i64(full), k.lanes, sums,
                            [&](Value step, mlir::ValueRange carried) {
                              return multiply(step, k.lanes, carried);
                            });
      for (int64_t i = 0; i < count; i++)
        totals[i] = k.horizontal(sums[i], addLanes);
    }
    if (tail) {
      VectorBuilder vb(k.b, tail);
      SmallVector<Value> sums(count, vb.real(0));
      sums = multiply(k.i64(full), tail, sums);
      for (int64_t i = 0; i < count; i++) {
        Value rest = k.horizontal(sums[i], addLanes);
        totals[i] =
            totals[i] ? arith::AddFOp::create(k.b, totals[i], rest).getResult()
                      : rest;
      }
    }
    return totals;
  }

  // one column, rows contiguous in lhs: vectors of rows
  void columnOfRows(Value task) {
    int64_t tasks =
        firstRow ? 1 : tasksFor(kernel.cost / batches(), rows / k.lanes, 8000);
    kernel.tasks = batches() * tasks;
    SmallVector<Value> batch;
    Value inside = splitBatch(firstRow ? k.i64(0) : task, tasks, batch);
    emitVectors(
        k, expression, rowDim(), tasks, inside, firstRow, [&](int64_t width) {
          Value row = expression.index(rowDim());
          VectorBuilder vb(k.b, width);
          Value lhsAt = k.add(batchIndex(lhs, batch), row);
          Value rhsAt = batchIndex(rhs, batch);
          Value sum = k.loopCarrying(
              k.i64(0), k.i64(depth), 1, {vb.real(0)},
              [&](Value step, mlir::ValueRange carried) {
                Value left = k.load(
                    lhsBase, k.add(lhsAt, k.mul(step, stride(lhs, rank))),
                    k.b.getF32Type(), width);
                Value right = k.load(
                    rhsBase, k.add(rhsAt, k.mul(step, stride(rhs, rank))),
                    k.b.getF32Type(), width, 0);
                return SmallVector<Value>{vb.fma(left, right, carried[0])};
              })[0];
          finish(sum, row, k.i64(0), rowDim(), width);
        });
  }
};
} // namespace

void emitMatmul(Plan &plan, Kernel &kernel, KernelBuilder &k,
                const Target &target, mlir::ValueRange addresses, Value task) {
  auto op = mlir::cast<MatmulOp>(kernel.anchor);
  Value product = op.getResult();
  auto shape = shapeOf(product);
  int64_t rank = shape.size(), depth = shapeOf(op.getLhs()).back();
  SmallVector<int64_t> extents(shape);
  extents.push_back(depth);
  Expression expression(plan, kernel, k, extents);
  expression.setBases(addresses);
  auto lhsAccess = Expression::identity(rank), rhsAccess = lhsAccess;
  lhsAccess[rank - 1].dim = rank;
  rhsAccess[rank - 2].dim = rank;
  auto [lhs, lhsView] = expression.view(op.getLhs(), lhsAccess);
  auto [rhs, rhsView] = expression.view(op.getRhs(), rhsAccess);
  MatmulEmitter emitter{{kernel,
                         k,
                         target,
                         expression,
                         product,
                         rank,
                         shape[rank - 2],
                         shape[rank - 1],
                         depth,
                         expression.base(plan.places[lhs]),
                         expression.base(plan.places[rhs]),
                         expression.stridesFor(shapeOf(lhs), lhsView),
                         expression.stridesFor(shapeOf(rhs), rhsView),
                         {},
                         {},
                         {},
                         {}}};
  emitter.out.perDim.assign(kernel.targetStrides.begin(),
                            kernel.targetStrides.end());
  emitter.out.perDim.push_back(0);
  for (unsigned dim = 0; dim < extents.size(); dim++) {
    Group group;
    group.dims = {dim};
    group.extent = extents[dim];
    group.last = dim;
    emitter.dims.push_back(group);
  }
  if (kernel.chain) {
    emitter.rows = kernel.chain->rows;
    emitter.rowDim().extent = emitter.rows;
    emitter.firstRow = k.mul(task, emitter.rows);
  }
  if (kernel.packed)
    emitter.packed = expression.base(*kernel.packed);
  bool oneColumn = emitter.columns == 1;
  expression.guarded([&] {
    if (usesBf16(target, emitter.rows, depth, emitter.columns))
      emitBf16Product(emitter, task);
    else if (oneColumn && emitter.lhs.perDim[rank] == 1 &&
             emitter.rhs.perDim[rank] == 1 && depth >= k.lanes)
      emitter.dots(task);
    else if (oneColumn && emitter.lhs.perDim[rank - 2] == 1 &&
             emitter.rows >= k.lanes)
      emitter.columnOfRows(task);
    else
      emitter.tiles(task);
  });
}

} // namespace phlox::cpu
