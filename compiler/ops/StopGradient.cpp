// Rules of stopgradient.
#include "compiler/ops/Rules.h"

namespace phlox {

PHLOX_WITHOUT_DERIVATIVE(StopGradientOp)

void StopGradientOp::eval(Evaluation &evaluation) {
  evaluation.result() = evaluation.operand(0);
}

PHLOX_BATCH_SAME(StopGradientOp)

void StopGradientOp::lower(Lowering &lowering) {
  lowering.decompose(
      [x = getX()](Graph &) -> SmallVector<Value> { return {x}; });
}

} // namespace phlox
