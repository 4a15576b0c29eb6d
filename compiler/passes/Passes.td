// Passes on the phlox dialect.
#ifndef PHLOX_PASSES_TD
#define PHLOX_PASSES_TD
include "mlir/Pass/PassBase.td"

def LeastGain : Option<"leastGain", "least-gain", "double", "1",
    "Factor of what a rewrite must save; 0: anything">;

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

def SinkRepeat : Pass<"phlox-sink-repeat"> {
  let summary = "Hands what is repeated into a scan, to be repeated inside.";
  let description = [{
    A scan's constant `repeat(x, K)` becomes x, and the body begins with
    `repeat(x, K)`; so for stretches, broadcasts and reshapes of them. The
    passes after this one then see in the body what is computed K times.
  }];
}

def SplitConcat : Pass<"phlox-split-concat"> {
  let summary = "Splits a product of a concat whose parts repeat differently.";
  let description = [{
    `matmul(concat(repeat(s), a), w) + b` becomes `(matmul(repeat(s), w_s) + b) +
    matmul(a, w_a)`, which phlox-hoist-repeat computes once per row of s. Parts
    of a scan's constants split off for phlox-hoist-scan, parts of zeros vanish;
    the gradient of w splits by rows. Where the FLOPs saved pay for a further
    product. Reorders sums.
  }];
  let options = [LeastGain];
}

def HoistRepeat : Pass<"phlox-hoist-repeat"> {
  let summary = "Computes on one copy what repeated operands would compute K times.";
  let description = [{
    `mish(repeat(x, K))` becomes `repeat(mish(x), K)`; so do element-wise ops
    and concats whose operands all repeat, matrix products whose rows or columns
    do, and reductions. A sum over what one side of a product repeats runs
    before it: `matmul(transpose(repeat(x)), dy)` becomes `matmul(transpose(x),
    sum_K dy)`. Copies are seen through reshapes, transposes and slices.
  }];
  let options = [LeastGain];
}

def HoistSum : Pass<"phlox-hoist-sum"> {
  let summary = "Sums before linear ops instead of after them.";
  let description = [{
    `sum_k w_k * matmul(x_k, a)` becomes `matmul(sum_k w_k * x_k, a)`, through
    any chain of products, scalings by what is the same for all k, additions and
    reshapes: K jvps of one primal become one, K targets of one prediction their
    mean. Candidates are kept if together they save FLOPs. Reorders sums.
  }];
  let options = [LeastGain];
}

def HoistScan : Pass<"phlox-hoist-scan"> {
  let summary = "Moves what is the same in every iteration out of a scan.";
  let description = [{
    A value computed from a scan's constants alone is computed before it and
    enters as a further constant, if that saves more than reading it costs.
    Constants that no iteration reads vanish.
  }];
  let options = [LeastGain];
}

def NarrowMatmul : Pass<"phlox-narrow-matmul"> {
  let summary = "Computes only the part of a matrix product that is read.";
  let description = [{
    `slice(matmul(x, w))`, where nothing else reads the product, becomes the
    product of a slice of x (rows) and a slice of w (columns): the gradient that
    reaches a critic's action does not need the state's columns.
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
