// How values repeat themselves: what repeat, stretch and broadcast put there,
// seen through reshapes, transposes and slices.
#pragma once
#include "compiler/ops/Graph.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace phlox {

/// Part of an axis: along a copied one, all entries of a value are equal.
struct Factor {
  int64_t extent = 1;
  bool copied = false;
};
using Factors = SmallVector<Factor>;

/// A value as copies of a smaller one. `factors`, outermost first, multiply to
/// the value's elements in row-major order; `core` holds those along the
/// factors that are not copied, in that order, under any shape.
struct Copies {
  Value core;
  Factors factors;

  bool any() const;
};

/// Finds copies; may emit ops that make a core next to the value's own op.
class CopyFinder {
public:
  Copies of(Value value);

private:
  Copies find(Value value);
  Copies throughTranspose(TransposeOp op);
  Copies throughSlice(SliceOp op);
  llvm::DenseMap<Value, Copies> known;
};

/// Product of all extents, or of those that are (not) copied.
int64_t sizeOf(ArrayRef<Factor> factors);
int64_t sizeOf(ArrayRef<Factor> factors, bool copied);

/// Cuts factors at the boundaries of a shape, one list per axis; nothing if a
/// factor straddles one and cannot be cut.
std::optional<SmallVector<Factors>> perAxis(ArrayRef<Factor> factors,
                                            ArrayRef<int64_t> shape);

/// Cuts several lists of equal product into parts that all of them share.
bool align(ArrayRef<Factors *> lists);

/// Rebuilds a value from its core: one list of factors per axis of the result.
Value build(Graph &g, Value core, ArrayRef<Factors> axes);

/// The one number in all elements of a constant; nothing if they differ.
mlir::Attribute splatOf(Value value);
bool isZero(Value value);

} // namespace phlox
