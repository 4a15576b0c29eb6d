// What the random ops share: bits on the host and in vector code.
#pragma once
#include "compiler/ops/PointwiseTable.h"
#include "compiler/ops/Rules.h"
#include "compiler/ops/Threefry.h"

namespace phlox {

/// Returns the key that an op's first operand holds.
inline WordPair keyOf(const HostTensor &key) {
  return {uint32_t(key.counts[0]), uint32_t(key.counts[1])};
}

/// Calls f(i, uniform i) for every element of result 0.
template <class Function>
void drawUniforms(Evaluation &evaluation, llvm::StringRef stream, Function f) {
  WordPair key = keyOf(evaluation.operand(0));
  uint32_t hash = streamHash(stream);
  for (int64_t i = 0; i < evaluation.result().size(); ++i)
    f(i, uniformOf(drawBits(key, hash, i)));
}

/// Emits the bits of elements `index` (i32 lanes); the key comes as two words.
inline Value emitBits(VectorBuilder &v, Value index, ArrayRef<Value> key,
                      uint32_t hash) {
  Value group = v.shl(v.shr(index, 5), 4);
  Value counter = v.addi(group, v.andi(index, v.integer(15)));
  auto [first, second] = v.threefry(v.splat(key[0]), v.splat(key[1]), counter,
                                    v.integer(int32_t(hash)));
  Value half = v.andi(index, v.integer(16));
  return v.select(v.comparei(VectorBuilder::Order::ne, half, v.integer(0)),
                  second, first);
}

} // namespace phlox
