// Rules of iota.
#include "compiler/ops/Rules.h"

namespace phlox {

PHLOX_WITHOUT_DERIVATIVE(IotaOp)

llvm::LogicalResult IotaOp::verify() {
  ArrayRef<int64_t> shape = shapeOf(getResult());
  int64_t axis = getAxis(), rank = shape.size();
  if (axis < 0 || axis >= rank)
    return emitOpError("[iota_c1] axis must be in [0, ")
           << rank << "): got " << axis << " for " << formatShape(shape);
  return mlir::success();
}

void IotaOp::eval(Evaluation &evaluation) {
  HostTensor &result = evaluation.result();
  unsigned bits = result.type.getElementTypeBitWidth();
  SmallVector<int64_t> strides(result.shape().size());
  strides[getAxis()] = 1;
  forEachOffset(result.shape(), strides, 0, [&](int64_t i, int64_t place) {
    if (result.isReal())
      result.reals[i] = double(place);
    else
      result.counts[i] = bits == 1 ? place != 0 : uint64_t(place);
  });
}

PHLOX_BATCH_AXIS(IotaOp)

void IotaOp::lower(Lowering &lowering) {
  RankedTensorType type = tensorType(getResult());
  mlir::Type element = type.getElementType();
  if (type.getRank() == 1)
    return lowering.generate(
        [element](VectorBuilder &v, Value index, ArrayRef<Value>) {
          return element.isF32()         ? v.toReal(index)
                 : element.isInteger(32) ? index
                                         : v.toInteger(index, element);
        });
  // count along the axis alone, then put it in place
  int64_t axis = getAxis();
  lowering.decompose([=](Graph &g) -> SmallVector<Value> {
    int64_t extent = type.getDimSize(axis);
    Value line =
        g.make<IotaOp>(RankedTensorType::get({extent}, element), uint64_t(0));
    SmallVector<int64_t> shape(type.getRank(), 1);
    shape[axis] = extent;
    return {g.broadcast(g.reshape(line, shape), type.getShape())};
  });
}

} // namespace phlox
