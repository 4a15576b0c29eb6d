// Ops that make or rearrange elements without arithmetic.
#ifndef PHLOX_SHAPE_TD
#define PHLOX_SHAPE_TD
include "compiler/dialect/PhloxBase.td"

def Phlox_ConstantOp : Phlox_Op<"constant", [
    Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "Holds elements known at compile time.";
  let description = [{
    Shapes: () -> any. Example: `%c = phlox.constant dense<0.5> : tensor<f32>`
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let builders = [OpBuilder<(ins "::mlir::DenseElementsAttr":$value), [{
    build($_builder, $_state, value.getType(), value);
  }]>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def Phlox_IotaOp : Phlox_Op<"iota", [Pure, Phlox_NotDifferentiable]> {
  let summary = "Counts 0, 1, 2, ... along one axis.";
  let description = [{
    result[i] = i_axis. Shapes: () -> any. (C1) 0 <= axis < rank(result).
    Example: `%i = phlox.iota axis = 0 : tensor<10xf32>`
  }];
  let arguments = (ins I64Attr:$axis);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat = "`axis` `=` $axis attr-dict `:` type($result)";
  let hasVerifier = 1; // iota_c1
}
def Phlox_ReshapeOp : Phlox_InferredOp<"reshape"> {
  let summary = "Gives the same elements in row-major order another shape.";
  let description = [{
    Shapes: x any -> shape. (C1) x and result have equally many elements.
    Example: `%y = phlox.reshape %x {shape = array<i64: 6, 4>}
              : tensor<24xf32> -> tensor<6x4xf32>`
  }];
  let arguments = (ins Phlox_Tensor:$x, DenseI64ArrayAttr:$shape);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat = "$x `,` $shape attr-dict `:` type($x) `->` type($result)";
}
def Phlox_TransposeOp : Phlox_InferredOp<"transpose"> {
  let summary = "Permutes the axes.";
  let description = [{
    result axis i is x's axis permutation[i].
    Shapes: x (d0, d1, ...) -> permuted. (C1) permutation holds 0 ... rank - 1
    once each. Example:
    `%y = phlox.transpose %x, [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>`
  }];
  let arguments = (ins Phlox_Tensor:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat =
      "$x `,` $permutation attr-dict `:` type($x) `->` type($result)";
}
def Phlox_BroadcastOp : Phlox_InferredOp<"broadcast"> {
  let summary = "Repeats x along missing and unit axes, aligned at the right.";
  let description = [{
    Shapes: x (..., d) -> shape. (C1) rank(x) <= rank(shape); (C2) each extent
    of x, from the right, is 1 or that of shape.
    Source: NumPy's broadcasting. Example:
    `%y = phlox.broadcast %x, [4, 3] : tensor<3xf32> -> tensor<4x3xf32>`
  }];
  let arguments = (ins Phlox_Tensor:$x, DenseI64ArrayAttr:$shape);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat = "$x `,` $shape attr-dict `:` type($x) `->` type($result)";
}
def Phlox_RepeatOp : Phlox_InferredOp<"repeat"> {
  let summary = "Inserts an axis that holds count copies of x.";
  let description = [{
    Shapes: x (..., ...) -> (..., count, ...). (C1) 0 <= axis <= rank(x);
    (C2) count >= 1. Example:
    `%y = phlox.repeat %x, 100 axis = 1 : tensor<8x6xf32> -> tensor<8x100x6xf32>`
  }];
  let arguments = (ins Phlox_Tensor:$x, I64Attr:$count, I64Attr:$axis);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat =
      "$x `,` $count `axis` `=` $axis attr-dict `:` type($x) `->` type($result)";
}
def Phlox_StretchOp : Phlox_InferredOp<"stretch"> {
  let summary = "Lengthens an axis: count copies of each entry side by side.";
  let description = [{
    result[..., i, ...] = x[..., i / count, ...], rounded down.
    Shapes: x (..., d, ...) -> (..., d count, ...). (C1) 0 <= axis < rank(x);
    (C2) count >= 1, and the extent fits 64 bits. Source: NumPy's `repeat`.
    Example:
    `%y = phlox.stretch %x, 100 axis = 0 : tensor<8x6xf32> -> tensor<800x6xf32>`
  }];
  let arguments = (ins Phlox_Tensor:$x, I64Attr:$count, I64Attr:$axis);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat =
      "$x `,` $count `axis` `=` $axis attr-dict `:` type($x) `->` type($result)";
}
def Phlox_ExpandOp : Phlox_InferredOp<"expand"> {
  let summary = "Inserts an axis of extent 1.";
  let description = [{
    Shapes: x (..., ...) -> (..., 1, ...). (C1) 0 <= axis <= rank(x).
    Example:
    `%y = phlox.expand %x axis = 1 : tensor<8x6xf32> -> tensor<8x1x6xf32>`
  }];
  let arguments = (ins Phlox_Tensor:$x, I64Attr:$axis);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat =
      "$x `axis` `=` $axis attr-dict `:` type($x) `->` type($result)";
}
def Phlox_SliceOp : Phlox_InferredOp<"slice"> {
  let summary = "Cuts a box out of x.";
  let description = [{
    result[i] = x[start + i]. Shapes: x any -> size. (C1) start and size have
    rank(x) entries; (C2) 0 <= start, 1 <= size, start + size <= extent.
    Example:
    `%y = phlox.slice %x, [0, 2], [4, 3] : tensor<4x6xf32> -> tensor<4x3xf32>`
  }];
  let arguments = (ins Phlox_Tensor:$x, DenseI64ArrayAttr:$start,
                   DenseI64ArrayAttr:$size);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat =
      "$x `,` $start `,` $size attr-dict `:` type($x) `->` type($result)";
}
def Phlox_ConcatOp : Phlox_InferredOp<"concat"> {
  let summary = "Joins tensors along one axis.";
  let description = [{
    Shapes: (..., d_i, ...) each -> (..., sum d_i, ...). (C1) at least one
    operand; (C2) 0 <= axis < rank; (C3) ranks, element types and all other
    extents are equal. Example:
    `%y = phlox.concat %a, %b axis = 1
        : (tensor<8x17xf32>, tensor<8x6xf32>) -> tensor<8x23xf32>`
  }];
  let arguments = (ins Variadic<Phlox_Tensor>:$operands, I64Attr:$axis);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat =
      "$operands `axis` `=` $axis attr-dict `:` functional-type($operands, $result)";
}
def Phlox_PadOp : Phlox_InferredOp<"pad"> {
  let summary = "Surrounds x with zeros.";
  let description = [{
    result[low + i] = x[i], 0 elsewhere. Shapes: x (d) -> (low + d + high).
    (C1) low and high have rank(x) entries; (C2) they are >= 0. Example:
    `%y = phlox.pad %x, [0, 2], [0, 1] : tensor<4x3xf32> -> tensor<4x6xf32>`
  }];
  let arguments = (ins Phlox_Tensor:$x, DenseI64ArrayAttr:$low,
                   DenseI64ArrayAttr:$high);
  let results = (outs Phlox_Tensor:$result);
  let assemblyFormat =
      "$x `,` $low `,` $high attr-dict `:` type($x) `->` type($result)";
}
def Phlox_GatherOp : Phlox_InferredOp<"gather"> {
  let summary = "Picks one entry along the axis after the index's axes.";
  let description = [{
    result[b, j] = x[b, index[b], j]; an index is clamped to [0, P - 1].
    Shapes: x (b..., P, j...), index (b...) i32 -> (b..., j...). (C1) rank(index)
    < rank(x); (C2) leading extents are equal. Example:
    `%y = phlox.gather %x, %i
        : tensor<8x32x6xf32>, tensor<8xi32> -> tensor<8x6xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x, Phlox_IndexTensor:$index);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat =
      "$x `,` $index attr-dict `:` type($x) `,` type($index) `->` type($result)";
}
def Phlox_ScatterAddOp : Phlox_InferredOp<"scatteradd"> {
  let summary = "Puts rows at their index along a new axis, zeros elsewhere.";
  let description = [{
    result[b, p, j] = x[b, j] where p = index[b], clamped to [0, count - 1],
    else 0: gather's transpose.
    Shapes: x (b..., j...), index (b...) i32 -> (b..., count, j...). (C1)
    rank(index) <= rank(x); (C2) leading extents are equal; (C3) count >= 1.
    Example: `%y = phlox.scatteradd %x, %i, 32
        : tensor<8x6xf32>, tensor<8xi32> -> tensor<8x32x6xf32>`
  }];
  let arguments = (ins Phlox_FloatTensor:$x, Phlox_IndexTensor:$index,
                   I64Attr:$count);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat = [{
    $x `,` $index `,` $count attr-dict `:` type($x) `,` type($index) `->`
    type($result)
  }];
}
#endif
