// The rules that every op brings: none has a default, so that an op without
// one of them does not link.
#ifndef PHLOX_RULES_TD
#define PHLOX_RULES_TD
include "mlir/IR/OpBase.td"

def Phlox_Rules : OpInterface<"Rules"> {
  let cppNamespace = "::phlox";
  let description = [{
    Evaluation, derivatives, batching and lowering of one op. Derivatives and
    batching are graph building: they emit public ops at the graph's insertion
    point. A null value stands for a zero tangent or cotangent, on the way in
    and on the way out.
  }];
  let methods = [
    InterfaceMethod<[{
        Computes the results in f64 from `evaluation`'s operand tensors.
      }], "void", "eval", (ins "::phlox::Evaluation &":$evaluation)>,
    InterfaceMethod<[{
        Emits the results' tangents from the operands' tangents.
      }], "::llvm::SmallVector<::mlir::Value>", "jvp",
      (ins "::phlox::Graph &":$graph,
           "::llvm::ArrayRef<::mlir::Value>":$tangents)>,
    InterfaceMethod<[{
        Emits the operands' cotangents from the results' cotangents; an operand
        whose entry in `needed` is false may be left null.
      }], "::llvm::SmallVector<::mlir::Value>", "vjp",
      (ins "::phlox::Graph &":$graph,
           "::llvm::ArrayRef<::mlir::Value>":$cotangents,
           "::llvm::ArrayRef<bool>":$needed)>,
    InterfaceMethod<[{
        Emits the op for all examples of a `vmap`: operands and results that
        differ by example have one more axis in front. See compiler/ops/Batch.h.
      }], "::llvm::SmallVector<::mlir::Value>", "batch",
      (ins "::phlox::Batch &":$batch,
           "::llvm::ArrayRef<::mlir::Value>":$operands)>,
    InterfaceMethod<[{
        Says how the op becomes loops: element-wise, an index map, a kernel of
        its own, or a composition of simpler ops.
      }], "void", "lower", (ins "::phlox::Lowering &":$lowering)>
  ];
}
#endif
