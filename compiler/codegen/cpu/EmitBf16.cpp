// What products of bf16 share, by AMX or by pairs: how rows and columns fall
// into tasks and panels, and the loops over them.
#include "compiler/codegen/cpu/EmitBf16.h"
#include <algorithm>

namespace phlox::cpu {

constexpr int64_t kFewestTerms = 12;     // or columns
constexpr int64_t kRhsBytes = 256 << 10; // most packed columns, on the stack

Bf16Cut::Bf16Cut(const Product &product) {
  int64_t all = product.columns / kBlock;
  tail = product.columns % kBlock;
  grid = taskGrid(product, product.rows / kBlock, all);
  int64_t terms = ceilDiv(product.depth, kTileTerms) * kTileTerms;
  int64_t most =
      product.packed ? all + 1
      : product.depth > kMostTerms
          ? 1
          : kRhsBytes / (terms * kBlock * 2 * product.target.bf16Parts);
  panels = std::clamp<int64_t>(ceilDiv(all, grid.columns), 1, most);
  groups = all / panels;
  rest = all % panels;
  if (groups == 1 && !rest) { // one loop for panels and tail
    rest = panels;
    groups = 0;
  }
  grid.columns =
      std::clamp<int64_t>(grid.columns, 1, std::max<int64_t>(groups, 1));
}

int64_t Bf16Cut::tiles() const {
  return std::max(groups ? 2 * panels : 0, 2 * rest + ceilDiv(tail, kTileRows));
}

void Bf16Emitter::packTerms(Value row, int64_t height, Value column,
                            int64_t width, Value firstTile, Value from,
                            int64_t count) {
  packLhs(row, height, from, count);
  packRhs(column, width, from, count, firstTile);
}

void Bf16Emitter::block(Value row, int64_t height, Value column, int64_t width,
                        Value firstTile) {
  addUp(row, height, column, width, firstTile);
  k.loop(0, height, 1, [&](Value i) {
    for (int64_t j = 0; j < width; j += kTileRows) {
      int64_t lanes = std::min(kTileRows, width - j);
      Value sum = k.load(sums.pointer, k.add(k.mul(i, kBlock), j),
                         k.b.getF32Type(), lanes);
      finish(sum, k.add(row, i), k.add(column, j), columnDim(), lanes);
    }
  });
}

// `panels` times 32 columns and `tail` more, for all rows of the task
void Bf16Emitter::emitColumns(const Columns &group, const RowsOfTask &mine) {
  Value zero = k.i64(0),
        tailColumn = k.add(group.column, group.panels * kBlock);
  auto eachPanel = [&](llvm::function_ref<void(Value, int64_t, Value)> body) {
    // of the group's tiles, or of all if another kernel packed them
    Value first = packed ? quotient(group.column, kTileRows) : zero;
    k.loop(0, group.panels, 1, [&](Value panel) {
      body(k.add(group.column, k.mul(panel, kBlock)), kBlock,
           k.add(first, k.mul(panel, 2)));
    });
    if (group.tail)
      body(tailColumn, group.tail, k.add(first, 2 * group.panels));
  };
  if (!deep && !packed)
    eachPanel([&](Value column, int64_t width, Value firstTile) {
      packRhs(column, width, zero, depth, firstTile);
    });
  auto blockOfRows = [&](Value row, int64_t height) {
    if (firstRow)
      row = k.add(firstRow, row);
    if (!deep)
      packLhs(row, height, zero, depth);
    eachPanel([&](Value column, int64_t width, Value firstTile) {
      block(row, height, column, width, firstTile);
    });
  };
  if (rows >= kBlock)
    k.loop(k.mul(mine.from, kBlock), k.mul(mine.to, kBlock), kBlock,
           [&](Value row) { blockOfRows(row, kBlock); });
  auto lastRows = [&] {
    blockOfRows(k.i64(rows / kBlock * kBlock), rows % kBlock);
  };
  if (rows % kBlock && mine.isLast)
    k.when(mine.isLast, lastRows);
  else if (rows % kBlock)
    lastRows();
}

void Bf16Emitter::run(Value task, const Bf16Cut &cut) {
  auto grid = cut.grid;
  kernel.tasks = batches() * grid.rows * grid.columns;
  Value inside =
      splitBatch(firstRow ? k.i64(0) : task, grid.rows * grid.columns, batch);
  Value rowTask = quotient(inside, grid.columns);
  Value columnTask =
      grid.columns == 1 ? k.i64(0) : remainder(inside, grid.columns);
  int64_t blocks = rows / kBlock, group = cut.panels * kBlock;
  RowsOfTask mine{k.taskBegin(rowTask, grid.rows, blocks),
                  k.taskBegin(k.add(rowTask, 1), grid.rows, blocks),
                  grid.rows == 1 ? Value() : equal(rowTask, grid.rows - 1)};
  if (cut.groups)
    k.loop(k.mul(k.taskBegin(columnTask, grid.columns, cut.groups), group),
           k.mul(k.taskBegin(k.add(columnTask, 1), grid.columns, cut.groups),
                 group),
           group,
           [&](Value column) { emitColumns({column, cut.panels, 0}, mine); });
  if (!cut.rest && !cut.tail)
    return;
  auto emitRest = [&] {
    emitColumns({k.i64(cut.groups * group), cut.rest, cut.tail}, mine);
  };
  if (grid.columns == 1)
    emitRest();
  else
    k.when(equal(columnTask, grid.columns - 1), emitRest);
}

// a smaller product is for vectors of f32: it would leave most of a tile empty
bool usesBf16(const Target &target, int64_t rows, int64_t depth,
              int64_t columns) {
  if (target.bf16Parts == 2) // for precision: f32 where it takes no longer
    return rows >= kBlock && std::min(depth, columns) >= kTileRows;
  return target.bf16Parts && rows >= kTileRows &&
         std::min(depth, columns) >= kFewestTerms;
}

void emitBf16Product(Product &product, Value task) {
  Bf16Cut cut(product);
  auto emitter = product.target.amx == Amx::off ? makePairEmitter(product)
                                                : makeAmxEmitter(product);
  emitter->allocateLhs();
  if (product.packed)
    emitter->placeRhs(product.packed);
  else
    emitter->allocateRhs(cut.tiles());
  emitter->run(task, cut);
}

} // namespace phlox::cpu
