// Ops that steer derivatives and repetition.
#ifndef PHLOX_CONTROL_TD
#define PHLOX_CONTROL_TD
include "compiler/dialect/PhloxBase.td"

def Phlox_StopGradientOp : Phlox_Op<"stopgradient", [
    Pure, SameOperandsAndResultType, Phlox_NotDifferentiable]> {
  let summary = "Hands x on and its derivative not.";
  let description = [{
    Shapes: x any -> the same. (C1) x and result have one type.
    Example: `%y = phlox.stopgradient %x : tensor<256xf32>`
  }];
  let arguments = (ins Phlox_Tensor:$x);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($result)";
}
def Phlox_ScanOp : Phlox_Op<"scan", [
    Pure, IsolatedFromAbove, SingleBlock, AttrSizedOperandSegments,
    AttrSizedResultSegments]> {
  let summary = "Runs its body `length` times, handing carries on.";
  let description = [{
    carry_0 = init; (carry_{i+1}, y_i) = body(carry_i, x_i, constants);
    result = (carry_length, stacked y). With `reverse`, i runs from length - 1
    down to 0, and x_i, y_i keep their places.
    Shapes: inits any; xs (length, ...), the body sees (...); constants any ->
    carries as inits, ys (length, ...). (C1) length >= 1; (C2) leading extent of
    xs is length; (C3) block arguments and yields have the types that follow;
    (C4) no random op in the body: draw (length, ...) outside and scan over it.
    Operands in order: inits, xs, constants.
  }];
  let arguments = (ins Variadic<Phlox_Tensor>:$inits,
                   Variadic<Phlox_Tensor>:$xs,
                   Variadic<Phlox_Tensor>:$constants, I64Attr:$length,
                   DefaultValuedAttr<BoolAttr, "false">:$reverse);
  let results = (outs Variadic<Phlox_Tensor>:$carries,
                 Variadic<Phlox_Tensor>:$ys);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $length (`reverse` $reverse^)?
    `inits` `(` ($inits^ `:` type($inits))? `)`
    `xs` `(` ($xs^ `:` type($xs))? `)`
    `constants` `(` ($constants^ `:` type($constants))? `)`
    (`carries` `(` type($carries)^ `)`)? (`ys` `(` type($ys)^ `)`)?
    attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1; // scan_c1 to scan_c4
}
def Phlox_YieldOp : Op<Phlox_Dialect, "yield", [
    Pure, Terminator, HasParent<"ScanOp">]> {
  let summary = "Ends a scan's body: the next carries, then the ys.";
  let arguments = (ins Variadic<Phlox_Tensor>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
  let builders = [OpBuilder<(ins), "build($_builder, $_state, ::mlir::ValueRange{});">];
  let hasVerifier = 1; // scan_c3
}
#endif
