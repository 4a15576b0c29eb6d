// Passes on the phlox dialect.
#ifndef PHLOX_PASSES_TD
#define PHLOX_PASSES_TD
include "mlir/Pass/PassBase.td"

def Decompose : Pass<"phlox-decompose"> {
  let summary = "Rewrites ops that are compositions into simpler ops.";
  let description = [{
    Asks each op's `lower`; one that decomposes is replaced, until none is left:
    `%w = phlox.softmax %q axis = 1` becomes max, subtraction, exp, sum and
    division. Nothing else changes.
  }];
}

def ExplicitNoise : Pass<"phlox-explicit-noise"> {
  let summary = "Makes every draw an input named after its stream.";
  let description = [{
    The input holds N(0, 1) for `normal`, U(0, 1) for `uniform` and for
    `truncnormal` (the draw before the inverse), i32 bits for `randombits`:
    `%e = phlox.normal %k, "train_step/path", [2]` becomes the argument
    `%e: tensor<2xf32> {phlox.input = "train_step/path"}`.
  }];
}
#endif
