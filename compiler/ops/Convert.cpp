// Rules of convert. From f32 to f32 it hands on; elsewhere no derivative
// passes.
#include "compiler/ops/PointwiseTable.h"
#include <cmath>

namespace phlox {
namespace {

bool carriesDerivative(ConvertOp op) {
  return tensorType(op.getX()).getElementType().isF32() &&
         tensorType(op.getResult()).getElementType().isF32();
}

// what the unsigned type of `bits` bits makes of a real: truncated, held
// between 0 and the largest f32 in range; NaN is 0
uint64_t countOf(double x, unsigned bits) {
  if (bits == 1)
    return x != 0;
  double most = bits == 32 ? 0x1.fffffep31 : 0x1.fffffep63;
  return x > 0 ? uint64_t(std::fmin(x, most)) : 0;
}

uint64_t narrow(uint64_t x, unsigned bits) {
  return bits == 1 ? x != 0 : bits == 32 ? uint32_t(x) : x;
}

} // namespace

void ConvertOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0);
  HostTensor &result = evaluation.result();
  if (result.isReal()) {
    for (size_t i = 0; i < result.reals.size(); ++i)
      result.reals[i] = x.isReal() ? x.reals[i] : double(x.counts[i]);
    return;
  }
  unsigned bits = result.type.getElementTypeBitWidth();
  for (size_t i = 0; i < result.counts.size(); ++i)
    result.counts[i] =
        x.isReal() ? countOf(x.reals[i], bits) : narrow(x.counts[i], bits);
}

SmallVector<Value> ConvertOp::jvp(Graph &, ArrayRef<Value> tangents) {
  return {carriesDerivative(*this) ? tangents[0] : Value()};
}
SmallVector<Value> ConvertOp::vjp(Graph &, ArrayRef<Value> cotangents,
                                  ArrayRef<bool>) {
  return {carriesDerivative(*this) ? cotangents[0] : Value()};
}

PHLOX_BATCH_SAME(ConvertOp)

void ConvertOp::lower(Lowering &lowering) {
  mlir::Type element = tensorType(getResult()).getElementType();
  lowering.pointwise([element](VectorBuilder &v, ArrayRef<Value> operands) {
    return element.isF32() ? v.toReal(operands[0])
                           : v.toInteger(operands[0], element);
  });
}

} // namespace phlox
