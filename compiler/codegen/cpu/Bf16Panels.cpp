#include "compiler/codegen/cpu/Bf16Panels.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <algorithm>

namespace phlox::cpu {
namespace arith = mlir::arith;
namespace amx = mlir::amx;
namespace vector = mlir::vector;
namespace LLVM = mlir::LLVM;

constexpr int64_t kElements = kTileRows * kTileTerms; // bf16 in a tile

Bf16Panels::Bf16Panels(const Product &product)
    : Product(product), parts(target.bf16Parts), deep(depth > kMostTerms),
      byTiles(target.amx != Amx::off) {}

// of a row's 32 terms, of which `count` are packed: tiles follow each other by
// terms; in units of bf16 or pairs
Value Bf16Panels::lhsPlace(Value tile, Value step, Value row, int64_t count,
                           int64_t unit) {
  int64_t nextStep = kElements, nextRow = kTileTerms;
  if (!byTiles) {
    nextStep = kTileTerms;
    nextRow = ceilDiv(count, kTileTerms) * kTileTerms;
  }
  return k.add(k.mul(tile, kElements / unit),
               k.add(k.mul(step, nextStep / unit), k.mul(row, nextRow / unit)));
}

int64_t Bf16Panels::stepsAtOnce() const {
  return ceilDiv(std::min(depth, kMostTerms), kTileTerms);
}

Tiles Bf16Panels::tilesAt(Value pointer, ArrayRef<int64_t> shape,
                          mlir::Type element) {
  auto type = mlir::MemRefType::get(shape, element);
  mlir::LLVMTypeConverter types(k.b.getContext());
  Value descriptor = mlir::MemRefDescriptor::fromStaticShape(
      k.b, k.b.getLoc(), types, type, pointer);
  auto cast = mlir::UnrealizedConversionCastOp::create(
      k.b, mlir::TypeRange{type}, mlir::ValueRange{descriptor});
  return {pointer, cast.getResult(0)};
}

Tiles Bf16Panels::allocate(ArrayRef<int64_t> shape, mlir::Type element) {
  int64_t bytes = mlir::ShapedType::getNumElements(shape) *
                  element.getIntOrFloatBitWidth() / 8;
  Value pointer;
  {
    // in the first block: the frame's size is known when compiling
    mlir::OpBuilder::InsertionGuard guard(k.b);
    auto *block = k.b.getInsertionBlock();
    while (!mlir::isa<LLVM::LLVMFuncOp>(block->getParentOp()))
      block = block->getParentOp()->getBlock();
    k.b.setInsertionPointToStart(&block->getParent()->front());
    pointer = LLVM::AllocaOp::create(
        k.b, LLVM::LLVMPointerType::get(k.b.getContext()), k.b.getI8Type(),
        k.i64(bytes), 64);
  }
  return tilesAt(pointer, shape, element);
}

void Bf16Panels::allocateLhs() {
  for (int64_t part = 0; part < parts; part++)
    lhsTiles.push_back(
        allocate({kBlock / kTileRows * stepsAtOnce(), kTileRows, kTileTerms},
                 k.b.getBF16Type()));
  sums = allocate({kBlock, kBlock}, k.b.getF32Type());
}

void Bf16Panels::allocateRhs(int64_t count) {
  for (int64_t part = 0; part < parts; part++)
    rhsTiles.push_back(allocate({count * stepsAtOnce(), kTileRows, kTileTerms},
                                k.b.getBF16Type()));
}

void Bf16Panels::placeRhs(Value pointer) {
  int64_t tiles = ceilDiv(columns, kTileRows) * stepsAtOnce();
  for (int64_t part = 0; part < parts; part++)
    rhsTiles.push_back(tilesAt(
        k.address(pointer, k.i64(part * tiles * kElements), k.b.getBF16Type()),
        {tiles, kTileRows, kTileTerms}, k.b.getBF16Type()));
}

Value Bf16Panels::index(Value number) {
  return arith::IndexCastOp::create(k.b, k.b.getIndexType(), number);
}
Value Bf16Panels::loadTile(const Tiles &from, Value number) {
  auto type = amx::TileType::get({kTileRows, kTileTerms}, k.b.getBF16Type());
  Value zero = index(k.i64(0));
  return amx::TileLoadOp::create(k.b, type, from.memref,
                                 mlir::ValueRange{index(number), zero, zero});
}

Value Bf16Panels::zeros(mlir::Type element, int64_t lanes) {
  return arith::ConstantOp::create(
      k.b, k.b.getZeroAttr(mlir::VectorType::get({lanes}, element)));
}
// 16 lanes, of which `count` come from memory
Value Bf16Panels::loadLanes(Value base, Value at, int64_t count,
                            int64_t stride) {
  auto f32 = k.b.getF32Type();
  Value some = k.load(base, at, f32, count, count == 1 ? 0 : stride);
  if (count == kTileRows)
    return some;
  SmallVector<int64_t> lanes;
  for (int64_t lane = 0; lane < kTileRows; lane++)
    lanes.push_back(std::min(lane, count));
  return vector::ShuffleOp::create(k.b, some, zeros(f32, 1), lanes);
}
// full tiles, then what is left of one
void Bf16Panels::eachTile(int64_t extent,
                          llvm::function_ref<void(Value, int64_t)> body) {
  k.loop(0, extent / kTileRows, 1, [&](Value i) { body(i, kTileRows); });
  if (extent % kTileRows)
    body(k.i64(extent / kTileRows), extent % kTileRows);
}
// the bits of the nearest bf16
Value Bf16Panels::round(Value x) {
  auto bf16 = mlir::VectorType::get({kTileRows}, k.b.getBF16Type());
  auto bits = mlir::VectorType::get({kTileRows}, k.b.getI16Type());
  return arith::BitcastOp::create(k.b, bits,
                                  arith::TruncFOp::create(k.b, bf16, x));
}
Value Bf16Panels::widen(Value bits) {
  VectorBuilder vb(k.b, kTileRows);
  Value wide = arith::ExtUIOp::create(k.b, vb.vectorOf(k.b.getI32Type()), bits);
  return vb.bitsToReal(vb.shl(wide, 16));
}
// the parts of x and y, joined lane by lane as `lanes` says
SmallVector<Value> Bf16Panels::partsOf(Value x, Value y,
                                       ArrayRef<int64_t> lanes) {
  VectorBuilder vb(k.b, kTileRows);
  SmallVector<Value> found;
  for (int64_t part = 0; part < parts; part++) {
    Value high[] = {round(x), round(y)};
    found.push_back(vector::ShuffleOp::create(k.b, high[0], high[1], lanes));
    if (part + 1 == parts)
      break;
    x = vb.sub(x, widen(high[0]));
    y = vb.sub(y, widen(high[1]));
  }
  return found;
}
// x_0 y_0 x_1 y_1 ...
SmallVector<Value> Bf16Panels::pairs(Value x, Value y) {
  SmallVector<int64_t> lanes;
  for (int64_t lane = 0; lane < kTileRows; lane++)
    llvm::append_values(lanes, lane, kTileRows + lane);
  return partsOf(x, y, lanes);
}
// x_0 x_1 ... y_0 y_1 ...
SmallVector<Value> Bf16Panels::neighbours(Value x, Value y) {
  return partsOf(x, y, llvm::to_vector(llvm::seq<int64_t>(0, 2 * kTileRows)));
}
void Bf16Panels::storeRow(ArrayRef<Value> values, ArrayRef<Tiles> into,
                          Value element) {
  for (auto [part, tiles] : llvm::zip(values, into))
    k.store(part, tiles.pointer, element);
}
void Bf16Panels::storeZeros(ArrayRef<Tiles> into, Value element) {
  for (const Tiles &tiles : into)
    k.store(zeros(k.b.getI16Type(), kTileTerms), tiles.pointer, element);
}

void Bf16Panels::packRhs(Value column, int64_t width, Value from, int64_t count,
                         Value firstTile) {
  int64_t steps = ceilDiv(count, kTileTerms), next = stride(rhs, rank);
  Value start =
      k.add(batchIndex(rhs, batch),
            k.add(k.mul(column, stride(rhs, rank - 1)), k.mul(from, next)));
  eachTile(width, [&](Value j, int64_t filled) {
    Value tile = k.mul(k.add(firstTile, j), steps * kElements);
    Value begin = k.add(start, k.mul(j, kTileRows * stride(rhs, rank - 1)));
    if (stride(rhs, rank - 1) != 1)
      return packColumns(begin, filled, tile, count);
    auto row = [&](Value term) {
      return loadLanes(rhsBase, k.add(begin, k.mul(term, next)), filled, 1);
    };
    auto at = [&](Value pair) { return k.add(tile, k.mul(pair, kTileTerms)); };
    k.loop(0, count / 2, 1, [&](Value pair) {
      Value term = k.mul(pair, 2);
      storeRow(pairs(row(term), row(k.add(term, 1))), rhsTiles, at(pair));
    });
    if (count % 2)
      storeRow(pairs(row(k.i64(count - 1)), zeros(k.b.getF32Type(), kTileRows)),
               rhsTiles, at(k.i64(count / 2)));
    k.loop(ceilDiv(count, 2), steps * kTileRows, 1,
           [&](Value pair) { storeZeros(rhsTiles, at(pair)); });
  });
}

// neighbours in memory are terms, or nothing is: columns, turned
void Bf16Panels::packColumns(Value start, int64_t filled, Value tile,
                             int64_t count) {
  auto type = mlir::VectorType::get({kTileRows}, k.b.getI32Type());
  auto lanes = [&](Value at, int64_t terms) {
    return terms > 0 ? loadLanes(rhsBase, at, std::min(kTileRows, terms),
                                 stride(rhs, rank))
                     : zeros(k.b.getF32Type(), kTileRows);
  };
  auto store = [&](Value step, int64_t terms) {
    Value begin = k.add(start, k.mul(step, kTileTerms * stride(rhs, rank)));
    SmallVector<SmallVector<Value>> turned(parts);
    for (int64_t column = 0; column < kTileRows; column++) {
      if (column >= filled) {
        for (auto &rows : turned)
          rows.push_back(zeros(k.b.getI32Type(), kTileRows));
        continue;
      }
      Value at = k.add(begin, column * stride(rhs, rank - 1));
      Value further = k.add(at, kTileRows * stride(rhs, rank));
      auto both =
          neighbours(lanes(at, terms), lanes(further, terms - kTileRows));
      for (auto [rows, part] : llvm::zip(turned, both))
        rows.push_back(vector::BitCastOp::create(k.b, type, part));
    }
    for (auto [rows, tiles] : llvm::zip(turned, rhsTiles)) {
      turn(k, rows);
      for (auto [pair, words] : llvm::enumerate(rows)) {
        Value row = k.add(k.mul(step, kTileRows), int64_t(pair));
        Value at = k.add(k.mul(row, kTileRows), quotient(tile, 2));
        k.store(words, tiles.pointer, at);
      }
    }
  };
  int64_t full = count / kTileTerms, rest = count % kTileTerms;
  k.loop(0, full, 1, [&](Value step) { store(step, kTileTerms); });
  if (rest)
    store(k.i64(full), rest);
}

void Bf16Panels::packLhs(Value row, int64_t height, Value from, int64_t count) {
  int64_t steps = ceilDiv(count, kTileTerms);
  eachTile(height, [&](Value i, int64_t filled) {
    Value first = k.add(row, k.mul(i, kTileRows));
    Value start =
        k.add(batchIndex(lhs, batch), k.add(k.mul(first, stride(lhs, rank - 2)),
                                            k.mul(from, stride(lhs, rank))));
    Value tile = k.mul(i, steps);
    if (stride(lhs, rank) == 1)
      packRows(start, filled, tile, count);
    else
      packTurned(start, filled, tile, count);
  });
}

// neighbours in memory are terms
void Bf16Panels::packRows(Value start, int64_t filled, Value tile,
                          int64_t count) {
  int64_t full = count / kTileTerms, rest = count % kTileTerms;
  k.loop(0, filled, 1, [&](Value row) {
    Value begin = k.add(start, k.mul(row, stride(lhs, rank - 2)));
    auto store = [&](Value step, int64_t terms) {
      Value at = k.add(begin, k.mul(step, kTileTerms));
      Value x = loadLanes(lhsBase, at, std::min(kTileRows, terms), 1);
      Value y = terms > kTileRows ? loadLanes(lhsBase, k.add(at, kTileRows),
                                              terms - kTileRows, 1)
                                  : zeros(k.b.getF32Type(), kTileRows);
      storeRow(neighbours(x, y), lhsTiles, lhsPlace(tile, step, row, count));
    };
    k.loop(0, full, 1, [&](Value step) { store(step, kTileTerms); });
    if (rest)
      store(k.i64(full), rest);
  });
  k.loop(filled, kTileRows, 1, [&](Value row) {
    k.loop(0, full + (rest > 0), 1, [&](Value step) {
      storeZeros(lhsTiles, lhsPlace(tile, step, row, count));
    });
  });
}

// neighbours in memory are rows, or nothing is: pairs of terms, turned
void Bf16Panels::packTurned(Value start, int64_t filled, Value tile,
                            int64_t count) {
  int64_t full = count / kTileTerms, rest = count % kTileTerms;
  auto store = [&](Value step, int64_t terms) {
    SmallVector<SmallVector<Value>> turned(parts);
    auto type = mlir::VectorType::get({kTileRows}, k.b.getI32Type());
    auto rowsOf = [&](int64_t term) {
      if (term >= terms)
        return zeros(k.b.getF32Type(), kTileRows);
      Value at = k.add(k.mul(step, kTileTerms), term);
      return loadLanes(lhsBase, k.add(start, k.mul(at, stride(lhs, rank))),
                       filled, stride(lhs, rank - 2));
    };
    for (int64_t term = 0; term < kTileTerms; term += 2) {
      auto both = pairs(rowsOf(term), rowsOf(term + 1));
      for (int64_t part = 0; part < parts; part++)
        turned[part].push_back(
            vector::BitCastOp::create(k.b, type, both[part]));
    }
    for (auto [columns, tiles] : llvm::zip(turned, lhsTiles)) {
      turn(k, columns);
      for (auto [row, terms] : llvm::enumerate(columns)) {
        k.store(terms, tiles.pointer,
                lhsPlace(tile, step, k.i64(row), count, /*unit=*/2));
      }
    }
  };
  k.loop(0, full, 1, [&](Value step) { store(step, kTileTerms); });
  if (rest)
    store(k.i64(full), rest);
}

bool packsApart(const Target &target, MatmulOp op) {
  auto shape = shapeOf(op.getResult());
  int64_t depth = shapeOf(op.getLhs()).back();
  return shape.size() == 2 && depth <= kMostTerms && shape[0] > kBlock &&
         usesBf16(target, shape[0], depth, shape[1]);
}

int64_t packedBytes(const Target &target, MatmulOp op) {
  auto shape = shapeOf(op.getRhs());
  return target.bf16Parts * ceilDiv(shape[1], kTileRows) *
         ceilDiv(shape[0], kTileTerms) * kElements * 2;
}

} // namespace phlox::cpu
