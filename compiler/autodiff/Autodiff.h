// Derivatives of a traced graph, as ordinary ops: they compose with each other
// and need no op of their own.
#pragma once
#include "compiler/ops/Graph.h"
#include "llvm/ADT/DenseSet.h"

namespace phlox {

/// Emits sum_i cotangents[i] * d outputs[i] / d wrt at the graph's insertion
/// point.
///
/// All values belong to one block, arguments and results alike. The values of
/// `wrt` count as independent: where one is computed from another, nothing
/// flows through it. Only ops between `wrt` and `outputs` are followed. Null
/// stands for zero: a cotangent that is null adds nothing, a result is null
/// where no derivative arrives.
/// Shapes:  cotangents as outputs -> as wrt.
SmallVector<Value> vjp(Graph &graph, ArrayRef<Value> outputs,
                       ArrayRef<Value> cotangents, ArrayRef<Value> wrt);

/// Emits the directional derivative of `outputs` along `tangents` at the
/// graph's insertion point.
///
/// `inputs` may be results of ops; they count as independent, as in vjp. Null
/// stands for zero.
/// Shapes:  tangents as inputs -> as outputs.
SmallVector<Value> jvp(Graph &graph, ArrayRef<Value> outputs,
                       ArrayRef<Value> inputs, ArrayRef<Value> tangents);

/// The part of a block that carries derivatives from inputs to outputs.
struct Path {
  Path(ArrayRef<Value> inputs, ArrayRef<Value> outputs);
  /// Whether a value is an input or depends on one.
  bool reaches(Value value) const { return active.contains(value); }

  SmallVector<mlir::Operation *> ops; ///< in block order
  llvm::DenseSet<Value> inputs, active;
};

} // namespace phlox
