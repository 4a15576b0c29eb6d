// Noise from a counter-based generator: Threefry2x32-20 keyed by (seed, step),
// counted by the logical element, so that bits depend on nothing else.
// Source: Salmon, Moraes, Dror and Shaw 2011.
#ifndef PHLOX_RANDOM_TD
#define PHLOX_RANDOM_TD
include "compiler/dialect/PhloxBase.td"

def Phlox_RandomKeyOp
    : Phlox_InferredOp<"randomkey", [Phlox_NotDifferentiable]> {
  let summary = "Makes the key of one call from seed and step.";
  let description = [{
    result = Threefry((seed_lo, seed_hi); (step_lo, step_hi)).
    Shapes: seed, step () i64 -> (2) i32. (C1) both have rank 0.
    Example: `%k = phlox.randomkey %seed, %step`
  }];
  let arguments = (ins Phlox_CountTensor:$seed, Phlox_CountTensor:$step);
  let results = (outs Phlox_IndexTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
class Phlox_Draw<string mnemonic, Type result>
    : Phlox_InferredOp<mnemonic, [Phlox_Random, Phlox_NotDifferentiable]> {
  let arguments = (ins Phlox_IndexTensor:$key, StrAttr:$stream,
                   DenseI64ArrayAttr:$shape);
  let results = (outs result:$result);
  let assemblyFormat =
      "$key `,` $stream `,` $shape attr-dict `:` functional-type(operands, results)";
}
def Phlox_RandomBitsOp : Phlox_Draw<"randombits", Phlox_IndexTensor> {
  let summary = "Draws 32 random bits for each element.";
  let description = [{
    (y0, y1) = Threefry(key; ((i >> 5) * 16 + (i & 15), hash(stream))), i the
    row-major index; result = (i & 16) ? y1 : y0.
    Shapes: key (2) -> shape. (C1) key has shape 2; (C2) fewer than 2^32
    elements. Example:
    `%b = phlox.randombits %k, "train_step/mask", [256] -> tensor<256xi32>`
  }];
}
def Phlox_UniformOp : Phlox_Draw<"uniform", Phlox_FloatTensor> {
  let summary = "Draws from U(0, 1), ends excluded.";
  let description = [{
    result = (bits >> 8 | 1) 2^-24, exact in f32. Shapes: key (2) -> shape.
    (C1) key has shape 2; (C2) fewer than 2^32 elements. Example:
    `%u = phlox.uniform %k, "train_step/time", [256, 1] -> tensor<256x1xf32>`
  }];
}
def Phlox_NormalOp : Phlox_Draw<"normal", Phlox_FloatTensor> {
  let summary = "Draws from N(0, 1).";
  let description = [{
    result = quantile(uniform). Shapes: key (2) -> shape. (C1) key has shape 2;
    (C2) fewer than 2^32 elements. Example:
    `%e = phlox.normal %k, "train_step/path", [256, 6] -> tensor<256x6xf32>`
  }];
}
def Phlox_TruncNormalOp : Phlox_InferredOp<"truncnormal",
    [Phlox_Random, Phlox_NotDifferentiable]> {
  let summary = "Draws from N(0, 1) truncated to (lower, upper).";
  let description = [{
    result = truncquantile(uniform, lower, upper).
    Shapes: key (2), lower, upper any -> the same. (C1) key has shape 2; (C2)
    lower and upper have one shape; (C3) fewer than 2^32 elements. Example:
    `%e = phlox.truncnormal %k, %lo, %hi, "train_step/proposal"
        : tensor<256x100x6xf32>`
  }];
  let arguments = (ins Phlox_IndexTensor:$key, Phlox_FloatTensor:$lower,
                   Phlox_FloatTensor:$upper, StrAttr:$stream);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat =
      "$key `,` $lower `,` $upper `,` $stream attr-dict `:` functional-type(operands, results)";
}
#endif
