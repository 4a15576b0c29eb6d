// Rules of randomkey.
#include "compiler/ops/Draw.h"

namespace phlox {

PHLOX_WITHOUT_DERIVATIVE(RandomKeyOp)

llvm::LogicalResult RandomKeyOp::inferReturnTypes(mlir::MLIRContext *context,
                                                  Where where, Adaptor adaptor,
                                                  Types &types) {
  ArrayRef<int64_t> seed = shapeOf(adaptor.getSeed());
  ArrayRef<int64_t> step = shapeOf(adaptor.getStep());
  if (!seed.empty() || !step.empty())
    return mlir::emitOptionalError(
        where, "[randomkey_c1] seed and step must have rank 0: got ",
        formatShape(seed), " and ", formatShape(step));
  types.push_back(
      RankedTensorType::get({2}, mlir::IntegerType::get(context, 32)));
  return mlir::success();
}

void RandomKeyOp::eval(Evaluation &evaluation) {
  WordPair key =
      stepKey(evaluation.operand(0).counts[0], evaluation.operand(1).counts[0]);
  evaluation.result().counts = {key.first, key.second};
}

PHLOX_BATCH_NONE(RandomKeyOp)

void RandomKeyOp::lower(Lowering &lowering) {
  lowering.generate([](VectorBuilder &v, Value index, ArrayRef<Value> scalars) {
    mlir::Type word = v.builder.getI32Type();
    SmallVector<Value> words;
    for (Value scalar : scalars) {
      Value count = v.splat(scalar);
      words.push_back(v.toInteger(count, word));
      words.push_back(v.toInteger(v.shr(count, 32), word));
    }
    auto [first, second] = v.threefry(words[0], words[1], words[2], words[3]);
    return v.select(v.comparei(VectorBuilder::Order::eq, index, v.integer(0)),
                    first, second);
  });
}

} // namespace phlox
