// Blocks of a product by AVX512-BF16: to each lane of a vector of sums an
// instruction adds two products, of a pair of terms of a row with one of a
// column.
#include "compiler/codegen/cpu/EmitBf16.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace phlox::cpu {

namespace {
constexpr int64_t kPairs = kTileTerms / 2; // of terms in a tile

struct PairEmitter : Bf16Emitter {
  using Bf16Emitter::Bf16Emitter;

  // 16 pairs of bf16: neighbours in memory, or one for all lanes
  Value loadPairs(const Tiles &from, Value pair, int64_t stride) {
    Value bits =
        k.load(from.pointer, pair, k.b.getI32Type(), kTileRows, stride);
    return mlir::vector::BitCastOp::create(
        k.b, mlir::VectorType::get({kTileTerms}, k.b.getBF16Type()), bits);
  }

  Value addProducts(Value sums, Value left, Value right) {
    return mlir::LLVM::CallIntrinsicOp::create(
               k.b, sums.getType(),
               k.b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
               mlir::ValueRange{sums, left, right})
        .getResult(0);
  }

  Value sumAt(Value row, int64_t i, int64_t j) {
    return k.add(k.mul(k.add(row, i), kBlock), j * kTileRows);
  }

  // adds `terms` packed terms of `count` rows to what `sums` holds, or to 0
  void addRows(Value row, int64_t count, int64_t width, Value firstTile,
               int64_t terms, bool fresh) {
    VectorBuilder vb(k.b, kTileRows);
    int64_t vectors = ceilDiv(width, kTileRows);
    int64_t pairs = ceilDiv(terms, kTileTerms) * kPairs; // of a row
    SmallVector<Value> totals;
    for (int64_t i = 0; i < count; i++)
      for (int64_t j = 0; j < vectors; j++)
        totals.push_back(fresh ? vb.real(0)
                               : k.load(sums.pointer, sumAt(row, i, j),
                                        k.b.getF32Type(), kTileRows));
    totals = k.loopCarrying(
        k.i64(0), k.i64(pairs), 1, totals,
        [&](Value pair, mlir::ValueRange carried) {
          SmallVector<Value> next, right;
          for (int64_t j = 0; j < vectors; j++) {
            Value column = k.mul(k.add(firstTile, j), pairs * kTileRows);
            right.push_back(loadPairs(
                rhsTiles[0], k.add(column, k.mul(pair, kTileRows)), 1));
          }
          for (int64_t i = 0; i < count; i++) {
            Value left = loadPairs(lhsTiles[0],
                                   k.add(k.mul(k.add(row, i), pairs), pair), 0);
            for (int64_t j = 0; j < vectors; j++)
              next.push_back(
                  addProducts(carried[i * vectors + j], left, right[j]));
          }
          return next;
        });
    for (int64_t i = 0; i < count; i++)
      for (int64_t j = 0; j < vectors; j++)
        k.store(totals[i * vectors + j], sums.pointer, sumAt(row, i, j));
  }

  void addTerms(int64_t height, int64_t width, Value firstTile, int64_t terms,
                bool fresh) {
    int64_t tall = target.tileRows, full = height / tall * tall;
    k.loop(0, full, tall, [&](Value row) {
      addRows(row, tall, width, firstTile, terms, fresh);
    });
    if (height > full)
      addRows(k.i64(full), height - full, width, firstTile, terms, fresh);
  }

  void addUp(Value row, int64_t height, Value column, int64_t width,
             Value firstTile) override {
    if (!deep)
      return addTerms(height, width, firstTile, depth, /*fresh=*/true);
    auto some = [&](Value from, int64_t count, bool fresh) {
      packTerms(row, height, column, width, firstTile, from, count);
      addTerms(height, width, firstTile, count, fresh);
    };
    some(k.i64(0), kMostTerms, /*fresh=*/true);
    int64_t full = depth / kMostTerms * kMostTerms;
    k.loop(kMostTerms, full, kMostTerms,
           [&](Value from) { some(from, kMostTerms, /*fresh=*/false); });
    if (depth > full)
      some(k.i64(full), depth - full, /*fresh=*/false);
  }
};
} // namespace

std::unique_ptr<Bf16Emitter> makePairEmitter(const Product &product) {
  return std::make_unique<PairEmitter>(product);
}

} // namespace phlox::cpu
