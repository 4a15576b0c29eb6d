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
#endif
