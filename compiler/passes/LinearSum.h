// Sums that move above linear ops: what phlox-hoist-sum builds with.
#pragma once
#include "compiler/passes/Copies.h"

namespace phlox {

/// A sum along the copied factors of `factors`, which refine its operand's
/// shape; `weight`, where it is one, has their structure too.
struct Sum {
  Factors factors;
  std::optional<Copies> weight;
};

/// Builds sums of values before the linear ops that made them.
class LinearSum {
public:
  /// Tells whether linear ops lead from a value down to a matrix product.
  bool leadsToProduct(Value value);

  /// Builds `sum` of x at `graph`, as deep as linear ops allow; the result is
  /// dense along what is kept, in one axis. Null: not possible, or no matrix
  /// product was passed (what was built is dead).
  Value build(Graph &graph, Value x, const Sum &sum);

  CopyFinder finder;

private:
  // each returns the sums, dense along what is kept; null: not that way
  Value pull(Value x, const Sum &sum);
  Value pullSame(Value x, const Sum &sum);
  Value pullProduct(MatmulOp op, const Sum &sum);
  Value pullScaled(mlir::Operation *op, const Sum &sum);
  Value pullParts(mlir::Operation *op, const Sum &sum);
  Value pullCopies(Value x, const Sum &sum);
  Value here(Value x, const Sum &sum);

  // x restricted to one copy along the summed factors, if it copies all
  Value single(Value x, const Sum &sum);
  Value dense(Value x, const Sum &sum);
  bool copiesSummed(const Copies &copies, const Sum &sum);

  Graph *g = nullptr;
  bool passedProduct = false;
  int64_t steps = 0;
  llvm::DenseMap<Value, bool> leads;
};

} // namespace phlox
