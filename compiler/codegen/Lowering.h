// How one op becomes loops. An op's `lower` calls exactly one member; the
// planner (codegen/cpu) decides what is fused and emits the loops.
#pragma once
#include "compiler/codegen/VectorBuilder.h"
#include "compiler/dialect/Phlox.h"
#include <functional>
#include <optional>

namespace phlox {
class Graph;
class KernelBuilder;

/// Where an operand's element lies for a result element: operand axis a reads
/// index[source[a]] / divisor[a] + offset[a], or offset[a] alone where source
/// is -1. No divisors: all are 1.
struct IndexMap {
  SmallVector<int64_t> source, offset, divisor;
};

/// A kernel with loops of its own, over dense operand and result buffers.
struct OwnKernel {
  int64_t tasks = 1; ///< independent parts, each on any thread
  /// Emits one task; `task` is its index (i64).
  std::function<void(KernelBuilder &, Value task)> emit;
};

class Lowering {
public:
  /// result = body(operands), lane by lane.
  using Body = std::function<Value(VectorBuilder &, ArrayRef<Value> operands)>;
  /// result = body(row-major index (i32 lanes), operands): operands are whole
  /// tensors of few elements, given as scalars.
  using IndexBody = std::function<Value(VectorBuilder &, Value index,
                                        ArrayRef<Value> scalars)>;
  /// Replaces the op by simpler ones; returns one value per result.
  using Rewrite = std::function<SmallVector<Value>(Graph &)>;

  void pointwise(Body body) { pointwiseBody = std::move(body); }
  void generate(IndexBody body) { indexBody = std::move(body); }
  void rearrange(IndexMap map) { indexMap = std::move(map); }
  void decompose(Rewrite rewrite) { rewriting = std::move(rewrite); }
  void kernel(OwnKernel kernel) { own = std::move(kernel); }
  /// The result is operand 0's bytes under its own shape.
  void alias() { isAlias = true; }
  /// Handled by the planner itself: matmul, reduce, constant, scan.
  void structured() { isStructured = true; }

  Body pointwiseBody;
  IndexBody indexBody;
  std::optional<IndexMap> indexMap;
  Rewrite rewriting;
  std::optional<OwnKernel> own;
  bool isAlias = false, isStructured = false;
};

} // namespace phlox
