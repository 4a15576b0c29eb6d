// Contractions, reductions and the ops that are kept whole.
#ifndef PHLOX_REDUCTION_TD
#define PHLOX_REDUCTION_TD
include "compiler/dialect/PhloxBase.td"

def Phlox_MatmulOp : Phlox_InferredOp<"matmul"> {
  let summary = "Multiplies matrices; leading axes are a batch.";
  let description = [{
    result[b, i, j] = sum_k lhs[b, i, k] rhs[b, k, j], k ascending.
    Shapes: lhs (b..., M, K), rhs (b..., K, N) -> (b..., M, N). (C1) both have
    equal rank >= 2; (C2) contracting and batch extents are equal. Example:
    `%y = phlox.matmul %x, %w
        : tensor<256x17xf32>, tensor<17x64xf32> -> tensor<256x64xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$lhs, Phlox_FloatTensor:$rhs);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat =
      "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}

def Phlox_Reduction : I64EnumAttr<"Reduction", "how elements are joined", [
    I64EnumAttrCase<"sum", 0>, I64EnumAttrCase<"mean", 1>,
    I64EnumAttrCase<"max", 2>, I64EnumAttrCase<"min", 3>]> {
  let cppNamespace = "::phlox";
}
def Phlox_ReduceOp : Phlox_InferredOp<"reduce"> {
  let summary = "Joins elements along axes: sum, mean, max or min.";
  let description = [{
    Shapes: x (..., d, ...) -> x without the axes. (C1) axes are distinct, each
    0 <= axis < rank(x). The order of a sum is fixed by shape and target. max
    and min hand NaN on; their slope is shared equally among ties.
    Example: `%m = phlox.reduce mean, %x, [0] : tensor<256x6xf32> -> tensor<6xf32>`
  }];
  let arguments = (ins Phlox_Reduction:$kind, Phlox_FloatTensor:$x,
                   DenseI64ArrayAttr:$axes);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat =
      "$kind `,` $x `,` $axes attr-dict `:` type($x) `->` type($result)";
}
def Phlox_ArgMaxOp : Phlox_InferredOp<"argmax", [Phlox_NotDifferentiable]> {
  let summary = "Finds the lowest index of the largest element along an axis.";
  let description = [{
    Shapes: x (..., K, ...) -> without the axis, i32. (C1) 0 <= axis < rank(x).
    NaN never wins. Example:
    `%i = phlox.argmax %q axis = 1 : tensor<8x32xf32> -> tensor<8xi32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x, I64Attr:$axis);
  let results = (outs Phlox_IndexTensor:$result);
  let assemblyFormat =
      "$x `axis` `=` $axis attr-dict `:` type($x) `->` type($result)";
}
def Phlox_CumsumOp : Phlox_InferredOp<"cumsum"> {
  let summary = "Sums everything up to and including each place of an axis.";
  let description = [{
    result_k = sum_{j <= k} x_j; with `reverse`, sum_{j >= k} x_j.
    Shapes: x (..., K, ...) -> the same. (C1) 0 <= axis < rank(x).
    Example: `%c = phlox.cumsum %x axis = 1 : tensor<8x32xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x, I64Attr:$axis,
                   DefaultValuedAttr<BoolAttr, "false">:$reverse);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat =
      "$x `axis` `=` $axis (`reverse` $reverse^)? attr-dict `:` type($x) `->` type($result)";
}
def Phlox_SoftmaxOp : Phlox_InferredOp<"softmax"> {
  let summary = "Normalizes exponentials along one axis.";
  let description = [{
    result_k = exp(x_k - m) / sum_j exp(x_j - m), m = max_j x_j
    Shapes: x (..., K, ...) -> the same; sums to 1 over K.
    (C1) 0 <= axis < rank(x). Example:
    `%w = phlox.softmax %q axis = 1 : tensor<256x100xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x, I64Attr:$axis);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat = "$x `axis` `=` $axis attr-dict `:` type($x) `->` type($result)";
}
def Phlox_LogSumExpOp : Phlox_InferredOp<"logsumexp"> {
  let summary = "Computes ln sum exp along one axis.";
  let description = [{
    result = m + ln sum_j exp(x_j - m), m = max_j x_j
    Shapes: x (..., K, ...) -> without the axis. (C1) 0 <= axis < rank(x).
    Example: `%l = phlox.logsumexp %q axis = 1 : tensor<8x32xf32> -> tensor<8xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x, I64Attr:$axis);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat =
      "$x `axis` `=` $axis attr-dict `:` type($x) `->` type($result)";
}
def Phlox_LayerNormOp : Phlox_InferredOp<"layernorm"> {
  let summary = "Shifts and scales each row to mean 0 and variance 1.";
  let description = [{
    result = (x - mean) / sqrt(var + epsilon) over the last axis, var without
    Bessel's correction. Shapes: x (..., H) -> the same. (C1) rank(x) >= 1;
    (C2) epsilon > 0. Source: Ba, Kiros and Hinton 2016, without gain and bias.
    Example: `%y = phlox.layernorm %x epsilon = 1.0e-5 : tensor<8x256xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x, F64Attr:$epsilon);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat = "$x `epsilon` `=` $epsilon attr-dict `:` type($x) `->` type($result)";
}
def Phlox_LogDetOp : Phlox_InferredOp<"logdet"> {
  let summary = "Computes ln |det x| of small square matrices.";
  let description = [{
    LU with partial pivoting. Shapes: x (b..., A, A) -> (b...). (C1) rank(x) >= 2
    and the last two extents are equal; (C2) A <= 32. A singular matrix gives
    -inf. Example: `%l = phlox.logdet %j : tensor<256x6x6xf32> -> tensor<256xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
}
def Phlox_InverseOp : Phlox_InferredOp<"inverse"> {
  let summary = "Inverts small square matrices.";
  let description = [{
    Gauss-Jordan elimination with partial pivoting; logdet's derivative needs
    it. Shapes: x (b..., A, A) -> the same. (C1) rank(x) >= 2 and the last two
    extents are equal; (C2) A <= 32.
    Example: `%i = phlox.inverse %j : tensor<256x6x6xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
}
def Phlox_CholeskyOp : Phlox_InferredOp<"cholesky"> {
  let summary = "Factors small symmetric positive definite matrices.";
  let description = [{
    x = L L^T with L lower triangular and its diagonal positive. Only x's lower
    triangle is read: the upper one counts as its mirror image, and has no
    derivative. L is NaN from the first column on that shows x not to be
    positive definite, and 0 above the diagonal. `inverse` solves with L.
    Shapes: x (b..., A, A) -> the same. (C1) rank(x) >= 2 and the last two
    extents are equal; (C2) A <= 32.
    Example: `%l = phlox.cholesky %s : tensor<256x6x6xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
}
#endif
