// Blocks of a product by AMX: 2 x 2 tiles of sums stay in registers while k
// runs. Of the four products of two f32 in two parts each, that of the small
// parts is left out.
#include "compiler/codegen/cpu/EmitBf16.h"
#include "mlir/Dialect/AMX/AMXDialect.h"

namespace phlox::cpu {
namespace amx = mlir::amx;

namespace {
struct AmxEmitter : Bf16Emitter {
  using Bf16Emitter::Bf16Emitter;

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

  void addUp(Value row, int64_t height, Value column, int64_t width,
             Value firstTile) override {
    int64_t rowTiles = ceilDiv(height, kTileRows),
            columnTiles = ceilDiv(width, kTileRows);
    auto type = amx::TileType::get({kTileRows, kTileRows}, k.b.getF32Type());
    SmallVector<Value> tiles;
    for (int64_t i = 0; i < rowTiles * columnTiles; i++)
      tiles.push_back(amx::TileZeroOp::create(k.b, type));
    auto some = [&](Value from, int64_t count, mlir::ValueRange carried) {
      packTerms(row, height, column, width, firstTile, from, count);
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
  }
};
} // namespace

std::unique_ptr<Bf16Emitter> makeAmxEmitter(const Product &product) {
  return std::make_unique<AmxEmitter>(product);
}

} // namespace phlox::cpu
