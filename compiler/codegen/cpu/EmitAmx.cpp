// Matrix products by AMX: 2 x 2 tiles of sums stay in registers while k runs,
// go through 4 KB of memory, and from there through the kernel's element-wise
// ops. Of the four products of two f32 in two parts each, that of the small
// parts is left out.
#include "compiler/codegen/cpu/AmxPanels.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include <algorithm>

namespace phlox::cpu {
namespace amx = mlir::amx;

namespace {
constexpr int64_t kRhsBytes = 256 << 10; // most packed columns, on the stack

// How columns are packed: `groups` of `panels` of 32 columns each, then `rest`
// panels and `tail` columns.
struct Cut {
  int64_t panels = 1, groups = 0, rest = 0, tail = 0;
  TaskGrid grid;
};

Cut cutColumns(const Product &product) {
  int64_t all = product.columns / kBlock;
  Cut cut;
  cut.tail = product.columns % kBlock;
  cut.grid = taskGrid(product, product.rows / kBlock, all);
  int64_t terms = ceilDiv(product.depth, kTileTerms) * kTileTerms;
  int64_t most =
      product.packed ? all + 1
      : product.depth > kMostTerms
          ? 1
          : kRhsBytes / (terms * kBlock * 2 * product.target.bf16Parts);
  cut.panels = std::clamp<int64_t>(ceilDiv(all, cut.grid.columns), 1, most);
  cut.groups = all / cut.panels;
  cut.rest = all % cut.panels;
  if (cut.groups == 1 && !cut.rest) { // one loop for panels and tail
    cut.rest = cut.panels;
    cut.groups = 0;
  }
  cut.grid.columns = std::clamp<int64_t>(cut.grid.columns, 1,
                                         std::max<int64_t>(cut.groups, 1));
  return cut;
}

struct AmxEmitter : AmxPanels {
  using AmxPanels::AmxPanels;

  // adds all packed terms; no more than eight tiles are needed at once
  SmallVector<Value> multiply(mlir::ValueRange from, int64_t rowTiles,
                              int64_t columnTiles, int64_t steps,
                              Value firstTile) {
    return k.loopCarrying(
        k.i64(0), k.i64(steps), 1, from,
        [&](Value step, mlir::ValueRange carried) {
          SmallVector<Value> next(carried), high(columnTiles);
          auto left = [&](int64_t part, int64_t i) {
            return lhsTile(part, k.add(step, i * steps));
          };
          auto right = [&](int64_t part, int64_t j) {
            Value tile = k.mul(k.add(firstTile, j), steps);
            return rhsTile(part, k.add(tile, step));
          };
          auto add = [&](int64_t i, int64_t j, Value x, Value y) {
            Value &sum = next[i * columnTiles + j];
            sum = amx::TileMulFOp::create(k.b, sum.getType(), x, y, sum);
          };
          // small products first; an operand is loaded before its first use
          SmallVector<Value> rows;
          for (int64_t part = parts; part-- > 0;) {
            rows.clear();
            for (int64_t i = 0; i < rowTiles; i++) {
              rows.push_back(left(part, i));
              for (int64_t j = 0; j < columnTiles; j++) {
                if (!high[j])
                  high[j] = right(0, j);
                add(i, j, rows[i], high[j]);
              }
            }
          }
          if (parts == 2)
            for (int64_t j = 0; j < columnTiles; j++) {
              Value low = right(1, j);
              for (int64_t i = 0; i < rowTiles; i++)
                add(i, j, rows[i], low);
            }
          return next;
        });
  }

  // the sums of `height` rows and `width` columns
  void block(Value row, int64_t height, Value column, int64_t width,
             Value firstTile) {
    int64_t rowTiles = ceilDiv(height, kTileRows),
            columnTiles = ceilDiv(width, kTileRows);
    auto type = amx::TileType::get({kTileRows, kTileRows}, k.b.getF32Type());
    SmallVector<Value> tiles;
    for (int64_t i = 0; i < rowTiles * columnTiles; i++)
      tiles.push_back(amx::TileZeroOp::create(k.b, type));
    auto some = [&](Value from, int64_t count, mlir::ValueRange carried) {
      packLhs(row, height, from, count);
      packRhs(column, width, from, count, firstTile);
      return multiply(carried, rowTiles, columnTiles,
                      ceilDiv(count, kTileTerms), firstTile);
    };
    if (deep) {
      int64_t full = depth / kMostTerms * kMostTerms;
      tiles = k.loopCarrying(k.i64(0), k.i64(full), kMostTerms, tiles,
                             [&](Value from, mlir::ValueRange carried) {
                               return some(from, kMostTerms, carried);
                             });
      if (depth > full)
        tiles = some(k.i64(full), depth - full, tiles);
    } else {
      tiles = multiply(tiles, rowTiles, columnTiles, ceilDiv(depth, kTileTerms),
                       firstTile);
    }
    for (int64_t i = 0; i < rowTiles; i++)
      for (int64_t j = 0; j < columnTiles; j++)
        amx::TileStoreOp::create(k.b, sums.memref,
                                 mlir::ValueRange{index(k.i64(i * kTileRows)),
                                                  index(k.i64(j * kTileRows))},
                                 tiles[i * columnTiles + j]);
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
  struct Columns {
    Value column;
    int64_t panels, tail;
  };
  struct RowsOfTask {
    Value from, to; ///< blocks of rows
    Value isLast;   ///< takes the rows after the last block; null: yes
  };
  void emitColumns(const Columns &group, const RowsOfTask &mine) {
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

  void run(Value task, const Cut &cut) {
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
};
} // namespace

// a smaller product is vectors' work: it would leave most of a tile empty
bool usesAmx(const Target &target, int64_t rows, int64_t depth,
             int64_t columns) {
  return target.bf16Parts && std::min({rows, depth, columns}) >= kTileRows;
}

void emitAmxProduct(Product &product, Value task) {
  auto cut = cutColumns(product);
  int64_t tiles = std::max(cut.groups ? 2 * cut.panels : 0,
                           2 * cut.rest + ceilDiv(cut.tail, kTileRows));
  AmxEmitter emitter(product);
  emitter.allocateLhs();
  if (product.packed)
    emitter.placeRhs(product.packed);
  else
    emitter.allocateRhs(tiles);
  emitter.run(task, cut);
}

} // namespace phlox::cpu
