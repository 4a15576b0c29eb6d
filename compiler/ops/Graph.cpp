#include "compiler/ops/Graph.h"
#include <numeric>

namespace phlox {

Value Graph::transposeLast(Value x) {
  int64_t rank = tensorType(x).getRank();
  SmallVector<int64_t> permutation(rank);
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation[rank - 1], permutation[rank - 2]);
  return make<TransposeOp>(x, permutation);
}

Value Graph::unreduce(Value x, ArrayRef<int64_t> axes,
                      ArrayRef<int64_t> shape) {
  SmallVector<int64_t> kept(shape);
  for (int64_t axis : axes)
    kept[axis] = 1;
  return broadcast(reshape(x, kept), shape);
}

Value Graph::constant(double number, Value like) {
  auto scalar = RankedTensorType::get({}, getF32Type());
  auto attr = mlir::DenseElementsAttr::get(
      scalar, mlir::Attribute(getF32FloatAttr(float(number))));
  return broadcast(make<ConstantOp>(attr), shapeOf(like));
}

Value Graph::zeros(RankedTensorType type) {
  return make<ConstantOp>(mlir::cast<mlir::DenseElementsAttr>(
      mlir::DenseElementsAttr::get(type, getZeroAttr(type.getElementType()))));
}

} // namespace phlox
