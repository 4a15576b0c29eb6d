// Rules of randombits.
#include "compiler/ops/Draw.h"

namespace phlox {

PHLOX_WITHOUT_DERIVATIVE(RandomBitsOp)

llvm::LogicalResult RandomBitsOp::inferReturnTypes(mlir::MLIRContext *context,
                                                   Where where, Adaptor adaptor,
                                                   Types &types) {
  if (failed(checkDraw(where, "[randombits_c1]", "[randombits_c2]",
                       shapeOf(adaptor.getKey()), adaptor.getShape())))
    return mlir::failure();
  types.push_back(RankedTensorType::get(adaptor.getShape(),
                                        mlir::IntegerType::get(context, 32)));
  return mlir::success();
}

void RandomBitsOp::eval(Evaluation &evaluation) {
  WordPair key = keyOf(evaluation.operand(0));
  uint32_t hash = streamHash(getStream());
  HostTensor &result = evaluation.result();
  for (int64_t i = 0; i < result.size(); ++i)
    result.counts[i] = drawBits(key, hash, i);
}

PHLOX_BATCH_NONE(RandomBitsOp)

void RandomBitsOp::lower(Lowering &lowering) {
  uint32_t hash = streamHash(getStream());
  lowering.generate([hash](VectorBuilder &v, Value index, ArrayRef<Value> key) {
    return emitBits(v, index, key, hash);
  });
}

} // namespace phlox
