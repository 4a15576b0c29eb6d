// The operands of a product as tiles of bf16.
#pragma once
#include "compiler/codegen/cpu/Product.h"

namespace phlox::cpu {

constexpr int64_t kTileRows = 16;  ///< of a tile; columns of a tile of sums
constexpr int64_t kTileTerms = 32; ///< k that one tile of an operand holds
constexpr int64_t kBlock = 32;     ///< rows and columns of 2 x 2 tiles of sums
constexpr int64_t kMostTerms = 1024; ///< that are packed at a time

/// Tiles of 1 KB in memory: where they begin, and the same as a memref.
struct Tiles {
  Value pointer, memref;
};

/// Packs blocks of both operands into tiles, each f32 as one or two bf16 whose
/// sum it nearly is. What a tile holds beyond an operand's edge is zero. A row
/// of lhs goes through 16 rows of tiles for AMX, else its terms lie in a row.
struct Bf16Panels : Product {
  explicit Bf16Panels(const Product &product);

  /// Makes room on the stack: for kBlock rows of lhs and their sums, for
  /// columns of `count` tiles of rhs.
  void allocateLhs();
  void allocateRhs(int64_t count);
  /// Puts all of rhs at an address: packedBytes() in all.
  void placeRhs(Value pointer);

  /// Packs `count` terms of `height` rows.
  void packLhs(Value row, int64_t height, Value from, int64_t count);
  /// Packs `count` terms of `width` columns into the columns of tiles from
  /// `firstTile` on: pairs of rows side by side.
  void packRhs(Value column, int64_t width, Value from, int64_t count,
               Value firstTile);
  /// Loads a tile of part 0 (high) or 1 (low): in the order of rows of tiles
  /// (lhs) or columns of tiles (rhs), then of terms.
  Value lhsTile(int64_t part, Value number) {
    return loadTile(lhsTiles[part], number);
  }
  Value rhsTile(int64_t part, Value number) {
    return loadTile(rhsTiles[part], number);
  }

  const int64_t parts; ///< bf16 per f32
  const bool deep;     ///< more terms than are packed at a time
  const bool byTiles;  ///< for AMX
  SmallVector<Tiles> lhsTiles, rhsTiles; ///< high parts, low parts
  Tiles sums;                            ///< kBlock x kBlock f32
  SmallVector<Value> batch;

  Value index(Value number);

private:
  int64_t stepsAtOnce() const;
  Tiles tilesAt(Value pointer, ArrayRef<int64_t> shape, mlir::Type element);
  Tiles allocate(ArrayRef<int64_t> shape, mlir::Type element);
  Value loadTile(const Tiles &from, Value number);
  Value zeros(mlir::Type element, int64_t lanes);
  Value loadLanes(Value base, Value at, int64_t count, int64_t stride);
  void eachTile(int64_t extent, llvm::function_ref<void(Value, int64_t)> body);
  Value round(Value x);
  Value widen(Value bits);
  SmallVector<Value> partsOf(Value x, Value y, ArrayRef<int64_t> lanes);
  SmallVector<Value> pairs(Value x, Value y);
  SmallVector<Value> neighbours(Value x, Value y);
  void storeRow(ArrayRef<Value> values, ArrayRef<Tiles> into, Value element);
  void storeZeros(ArrayRef<Tiles> into, Value element);
  void packColumns(Value start, int64_t filled, Value tile, int64_t count);
  void packRows(Value start, int64_t filled, Value tile, int64_t count);
  void packTurned(Value start, int64_t filled, Value tile, int64_t count);
  Value lhsPlace(Value tile, Value step, Value row, int64_t count,
                 int64_t unit = 1);
};

inline int64_t ceilDiv(int64_t x, int64_t y) { return (x + y - 1) / y; }

/// Whether a kernel of its own packs the right operand: one that several tasks
/// or products read, of terms that fit a block of the left one.
bool packsApart(const Target &target, MatmulOp op);
int64_t packedBytes(const Target &target, MatmulOp op);

} // namespace phlox::cpu
