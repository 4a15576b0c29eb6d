// Rules of uniform.
#include "compiler/ops/Draw.h"

namespace phlox {

PHLOX_WITHOUT_DERIVATIVE(UniformOp)

llvm::LogicalResult UniformOp::inferReturnTypes(mlir::MLIRContext *context,
                                                Where where, Adaptor adaptor,
                                                Types &types) {
  if (failed(checkDraw(where, "[uniform_c1]", "[uniform_c2]",
                       shapeOf(adaptor.getKey()), adaptor.getShape())))
    return mlir::failure();
  types.push_back(RankedTensorType::get(adaptor.getShape(),
                                        mlir::Float32Type::get(context)));
  return mlir::success();
}

void UniformOp::eval(Evaluation &evaluation) {
  std::vector<double> &result = evaluation.result().reals;
  drawUniforms(evaluation, getStream(),
               [&](int64_t i, double u) { result[i] = u; });
}

PHLOX_BATCH_NONE(UniformOp)

void UniformOp::lower(Lowering &lowering) {
  uint32_t hash = streamHash(getStream());
  lowering.generate([hash](VectorBuilder &v, Value index, ArrayRef<Value> key) {
    Value bits = emitBits(v, index, key, hash);
    Value odd = v.ori(v.shr(bits, 8), v.integer(1));
    return v.mul(v.toReal(odd), v.real(0x1p-24));
  });
}

} // namespace phlox
