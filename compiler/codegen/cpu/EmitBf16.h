// Matrix products whose operands are rounded to bf16: what AMX and AVX512-BF16
// share.
#pragma once
#include "compiler/codegen/cpu/Bf16Panels.h"
#include <memory>

namespace phlox::cpu {

/// How columns are packed: `groups` of `panels` of 32 columns each, then `rest`
/// panels and `tail` columns.
struct Bf16Cut {
  int64_t panels = 1, groups = 0, rest = 0, tail = 0;
  TaskGrid grid;

  explicit Bf16Cut(const Product &product);
  /// Tiles of rhs that are packed at a time.
  int64_t tiles() const;
};

struct Bf16Emitter : Bf16Panels {
  using Bf16Panels::Bf16Panels;
  virtual ~Bf16Emitter() = default;

  /// Emits one task.
  void run(Value task, const Bf16Cut &cut);

protected:
  /// Leaves the sums of `height` rows and `width` columns, kBlock of each at
  /// most, in `sums`. Operands are packed, rhs from `firstTile` on; where there
  /// are more terms than fit (deep), packing them is part of it.
  virtual void addUp(Value row, int64_t height, Value column, int64_t width,
                     Value firstTile) = 0;
  /// Packs some of the terms of a block.
  void packTerms(Value row, int64_t height, Value column, int64_t width,
                 Value firstTile, Value from, int64_t count);

private:
  struct Columns {
    Value column;
    int64_t panels, tail;
  };
  struct RowsOfTask {
    Value from, to; ///< blocks of rows
    Value isLast;   ///< takes the rows after the last block; null: yes
  };
  void emitColumns(const Columns &group, const RowsOfTask &mine);
  void block(Value row, int64_t height, Value column, int64_t width,
             Value firstTile);
};

/// Sums in the tiles of AMX.
std::unique_ptr<Bf16Emitter> makeAmxEmitter(const Product &product);
/// Sums in vectors, by AVX512-BF16: an instruction adds products of pairs.
std::unique_ptr<Bf16Emitter> makePairEmitter(const Product &product);

} // namespace phlox::cpu
