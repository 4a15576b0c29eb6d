// Passes on the phlox dialect.
#ifndef PHLOX_PASSES_TD
#define PHLOX_PASSES_TD
include "mlir/Pass/PassBase.td"

def Decompose : Pass<"phlox-decompose"> {
  let summary = "Rewrites ops that are compositions into simpler ops.";
  let description = [{
    Asks each op's `lower`; one that decomposes is replaced, until none is left:
    `%w = phlox.softmax %q axis = 1` becomes max, subtraction, exp, sum and
    a product with its reciprocal. Nothing else changes.
  }];
}

def ExplicitNoise : Pass<"phlox-explicit-noise"> {
  let summary = "Makes every draw an input named after its stream.";
  let description = [{
    Structural: the input holds N(0, 1) for `normal`, U(0, 1) for `uniform` and for
    `truncnormal` (the draw before the inverse), i32 bits for `randombits`:
    `%e = phlox.normal %k, "train_step/path", [2]` becomes the argument
    `%e: tensor<2xf32> {phlox.input = "train_step/path"}`.
  }];
}

def MoveReshapes : Pass<"phlox-move-reshapes"> {
  let summary = "Moves reshapes below element-wise ops, where they meet.";
  let description = [{
    An element-wise op whose operands are reshapes of one shape, or one number in
    all elements, works on that shape; its result is reshaped instead:
    `%b = reshape %a; %c = exp %b; %d = reshape %c` to the shape of `%a` becomes
    `%d = exp %a`. A matrix product and the activation after it then share a kernel.
  }];
}

def Evaluate : Pass<"phlox-evaluate", "::mlir::ModuleOp"> {
  let summary = "Replaces functions without arguments by their results.";
  let description = [{
    Structural: runs the f64 interpreter on each function that takes no
    arguments and returns its results as constants, rounded to their types.
    Other functions stay. Numeric tests compare what it prints before and after
    a pass.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}
#endif
