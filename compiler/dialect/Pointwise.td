// Element-wise ops: one formula each. c1 of all of them: operands and result
// have one type (a trait checks it).
#ifndef PHLOX_POINTWISE_TD
#define PHLOX_POINTWISE_TD
include "compiler/dialect/PhloxBase.td"

class Phlox_Unary<string mnemonic, string formula, list<Trait> traits = []>
    : Phlox_UnaryOp<mnemonic, traits> {
  let summary = "Computes " # formula # " element by element.";
  let description = "result = " # formula #
      "\nShapes: x any -> the same. (C1) x and result have one type."
      "\nExample: `%y = phlox." # mnemonic # " %x : tensor<256x6xf32>`";
}
class Phlox_Binary<string mnemonic, string formula, list<Trait> traits = []>
    : Phlox_BinaryOp<mnemonic, traits> {
  let summary = "Computes " # formula # " element by element.";
  let description = "result = " # formula #
      "\nShapes: lhs, rhs any -> the same. (C1) all have one type."
      "\nExample: `%z = phlox." # mnemonic # " %x, %y : tensor<256x6xf32>`";
}

def Phlox_NegOp : Phlox_Unary<"neg", "-x">;
def Phlox_AbsOp : Phlox_Unary<"abs", "|x|">;
def Phlox_SignOp : Phlox_Unary<"sign", "the sign of x (0 at 0)">;
def Phlox_FloorOp : Phlox_Unary<"floor", "the largest integer <= x">;
def Phlox_ExpOp : Phlox_Unary<"exp", "e^x">;
def Phlox_LogOp : Phlox_Unary<"log", "ln x">;
def Phlox_Log1pOp : Phlox_Unary<"log1p", "ln(1 + x)">;
def Phlox_Expm1Op : Phlox_Unary<"expm1", "e^x - 1">;
def Phlox_SqrtOp : Phlox_Unary<"sqrt", "the square root of x">;
def Phlox_RsqrtOp : Phlox_Unary<"rsqrt", "1 / sqrt(x)">;
def Phlox_SquareOp : Phlox_Unary<"square", "x^2">;
def Phlox_ReciprocalOp : Phlox_Unary<"reciprocal", "1 / x">;
def Phlox_TanhOp : Phlox_Unary<"tanh", "tanh x">;
def Phlox_SigmoidOp : Phlox_Unary<"sigmoid", "1 / (1 + e^-x)">;
def Phlox_SiluOp : Phlox_Unary<"silu", "x / (1 + e^-x)">;
def Phlox_SoftplusOp : Phlox_Unary<"softplus", "ln(1 + e^x)">;
def Phlox_ReluOp : Phlox_Unary<"relu", "max(x, 0), slope 0 at 0">;
def Phlox_GeluOp : Phlox_Unary<"gelu", "x P(Z < x), Z ~ N(0, 1)">;
def Phlox_ErfOp : Phlox_Unary<"erf", "the error function of x">;
def Phlox_ErfinvOp : Phlox_Unary<"erfinv", "the y with erf(y) = x">;
def Phlox_SinOp : Phlox_Unary<"sin", "sin x, |x| <= 1e4">;
def Phlox_CosOp : Phlox_Unary<"cos", "cos x, |x| <= 1e4">;

def Phlox_MishOp : Phlox_UnaryOp<"mish"> {
  let summary = "Computes mish, x tanh(softplus(x)), or a derivative of it.";
  let description = [{
    w = e^x, n = w (w + 2), r = 1 / (n + 2):
    order 0: x n r;  order 1: n r + 4 x w (w + 1) r^2;
    order 2: 4 w r^2 (2 (w + 1) + x (1 - 2 w + 4 w r)).
    In f32 x counts as -87 below it, and in w as 10 above it: within 2e-7.
    Shapes: x any -> the same. (C1) x and result have one type.
    (C2) order is 0, 1 or 2; the slope of order 2 is a composition of ops.
    Source: Misra 2019; the rational form follows from tanh(ln(1 + w)).
    Example: `%y = phlox.mish %x order = 1 : tensor<256x256xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x,
                   DefaultValuedAttr<I64Attr, "0">:$order);
  let assemblyFormat = "$x (`order` `=` $order^)? attr-dict `:` type($result)";
  let hasVerifier = 1; // mish_c2
}

def Phlox_AddOp : Phlox_Binary<"add", "lhs + rhs">;
def Phlox_SubOp : Phlox_Binary<"sub", "lhs - rhs">;
def Phlox_MulOp : Phlox_Binary<"mul", "lhs * rhs">;
def Phlox_DivOp : Phlox_Binary<"div", "lhs / rhs">;
def Phlox_PowOp : Phlox_Binary<"pow", "lhs^rhs for lhs > 0">;
def Phlox_MinOp : Phlox_Binary<"min",
    "the smaller one; NaN if one is NaN; at a tie the slope is lhs's">;
def Phlox_MaxOp : Phlox_Binary<"max",
    "the larger one; NaN if one is NaN; at a tie the slope is lhs's">;
def Phlox_LogAddExpOp : Phlox_Binary<"logaddexp", "ln(e^lhs + e^rhs)">;

class Phlox_BoolBinary<string mnemonic, string formula>
    : Phlox_Op<mnemonic, [Pure, Phlox_Pointwise, Phlox_NotDifferentiable,
                          SameOperandsAndResultType]> {
  let summary = "Computes " # formula # " element by element.";
  let description = "result = " # formula #
      "\nShapes: lhs, rhs any -> the same. (C1) all have one type."
      "\nExample: `%z = phlox." # mnemonic # " %x, %y : tensor<256xi1>`";
  let arguments = (ins Phlox_BoolTensor:$lhs, Phlox_BoolTensor:$rhs);
  let results = (outs Phlox_BoolTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}
def Phlox_LogicalAndOp : Phlox_BoolBinary<"logicaland", "lhs and rhs">;
def Phlox_LogicalOrOp : Phlox_BoolBinary<"logicalor", "lhs or rhs">;

def Phlox_Comparison : I64EnumAttr<"Comparison", "order relation", [
    I64EnumAttrCase<"lt", 0>, I64EnumAttrCase<"le", 1>,
    I64EnumAttrCase<"gt", 2>, I64EnumAttrCase<"ge", 3>,
    I64EnumAttrCase<"eq", 4>, I64EnumAttrCase<"ne", 5>]> {
  let cppNamespace = "::phlox";
}
def Phlox_CompareOp
    : Phlox_InferredOp<"compare", [Phlox_Pointwise, Phlox_NotDifferentiable]> {
  let summary = "Compares element by element; false where one is NaN (but ne).";
  let description = [{
    result = lhs DIRECTION rhs; integers compare unsigned.
    Shapes: lhs, rhs any -> the same, i1. (C1) lhs and rhs have one type.
    Example: `%m = phlox.compare lt, %x, %y
              : (tensor<256xf32>, tensor<256xf32>) -> tensor<256xi1>`
  }];
  let arguments = (ins Phlox_Comparison:$direction, Phlox_Tensor:$lhs,
                   Phlox_Tensor:$rhs);
  let results = (outs Phlox_BoolTensor:$result);
  let assemblyFormat =
      "$direction `,` $lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}
def Phlox_IsFiniteOp
    : Phlox_InferredOp<"isfinite", [Phlox_Pointwise, Phlox_NotDifferentiable]> {
  let summary = "Tells element by element whether x is neither NaN nor infinite.";
  let description = [{
    Shapes: x any -> the same, i1. (C1) x is f32.
    Example: `%m = phlox.isfinite %x : (tensor<256xf32>) -> tensor<256xi1>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x);
  let results = (outs Phlox_BoolTensor:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
}
def Phlox_SelectOp : Phlox_InferredOp<"select", [Phlox_Pointwise]> {
  let summary = "Takes on_true where the condition holds, else on_false.";
  let description = [{
    result = condition ? on_true : on_false. A NaN in the one not taken does
    not reach the result.
    Shapes: all three any and equal -> the same. (C1) on_true and on_false have
    one type; (C2) condition has their shape.
    Example: `%z = phlox.select %m, %x, %y
              : (tensor<256xi1>, tensor<256xf32>, tensor<256xf32>)
                -> tensor<256xf32>`
  }];
  let arguments = (ins Phlox_BoolTensor:$condition, Phlox_Tensor:$on_true,
                   Phlox_Tensor:$on_false);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat =
      "operands attr-dict `:` functional-type(operands, results)";
}
def Phlox_ConvertOp : Phlox_Op<"convert", [
    Pure, Phlox_Pointwise, SameOperandsAndResultShape /* convert_c1 */]> {
  let summary = "Converts the element type; integers count as unsigned.";
  let description = [{
    To i1 it is x != 0; i1 to others 0 or 1. f32 to i32 and i64 truncates, a
    number out of range counts as the nearest f32 in range, NaN as 0; i64 to
    i32 is modulo 2^32. Only f32 to f32 carries a derivative.
    Shapes: x any -> the same. (C1) x and result have one shape.
    Example: `%y = phlox.convert %x : tensor<8xi1> -> tensor<8xf32>`
  }];
  let arguments = (ins Phlox_Tensor:$x);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
}
def Phlox_CountAddOp : Phlox_Op<"countadd", [
    Pure, Phlox_Pointwise, Phlox_NotDifferentiable, SameOperandsAndResultType]> {
  let summary = "Adds counters, modulo 2^64.";
  let description = [{
    Shapes: lhs, rhs any, i64 -> the same. (C1) all have one type.
    Example: `%n = phlox.countadd %step, %one : tensor<i64>`
  }];
  let arguments = (ins Phlox_CountTensor:$lhs, Phlox_CountTensor:$rhs);
  let results = (outs Phlox_CountTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}
def Phlox_CountRemOp : Phlox_Op<"countrem", [
    Pure, Phlox_Pointwise, Phlox_NotDifferentiable, SameOperandsAndResultType]> {
  let summary = "Takes the remainder of counters.";
  let description = [{
    result = lhs mod rhs, unsigned. Shapes: i64, any -> the same.
    (C1) all have one type. The remainder by 0 is 0.
    Example: `%n = phlox.countrem %step, %every : tensor<i64>`
  }];
  let arguments = (ins Phlox_CountTensor:$lhs, Phlox_CountTensor:$rhs);
  let results = (outs Phlox_CountTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}
def Phlox_QuantileOp : Phlox_Unary<"quantile",
    "the z with P(Z < z) = x, Z ~ N(0, 1), x kept 1.2e-38 off 0 and 1">;
def Phlox_TruncQuantileOp : Phlox_Op<"truncquantile", [
    Pure, Phlox_Pointwise, Phlox_NotDifferentiable, SameOperandsAndResultType]> {
  let summary = "Maps uniform u to N(0, 1) truncated to (lower, upper).";
  let description = [{
    result = z with P(lower < Z < z) / P(lower < Z < upper) = u; each sample is
    computed from its smaller tail, so that nothing cancels.
    Shapes: u, lower, upper any and equal -> the same. (C1) all have one type.
    Bounds count as at most 12.9 standard deviations from 0, where the tails of
    f32 end; then z is put between lower and upper. So the nearer bound results
    where both lie beyond on one side, and lower where lower >= upper.
    Example: `%z = phlox.truncquantile %u, %lo, %hi : tensor<256x6xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$u, Phlox_FloatTensor:$lower,
                   Phlox_FloatTensor:$upper);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat = "$u `,` $lower `,` $upper attr-dict `:` type($result)";
}
#endif
