// The dialect, its types and the base classes of its ops.
#ifndef PHLOX_BASE_TD
#define PHLOX_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "compiler/dialect/PhloxRules.td"

def Phlox_Dialect : Dialect {
  let name = "phlox";
  let cppNamespace = "::phlox";
  let summary = "Tensor graphs of models, losses and train steps.";
  let description = [{
    Values are dense row-major tensors of static shape. f32 stands for real
    numbers, i64 for seeds, steps and counters (unsigned), i32 for indices and
    random bits, i1 for truth. An entry point is a `func.func` whose arguments
    and results carry `phlox.leaf`, `phlox.input` or `phlox.output` names.
  }];
  let hasConstantMaterializer = 1;
}

def Phlox_FloatTensor : StaticShapeTensorOf<[F32]>;
def Phlox_IndexTensor : StaticShapeTensorOf<[I32]>;
def Phlox_CountTensor : StaticShapeTensorOf<[I64]>;
def Phlox_BoolTensor : StaticShapeTensorOf<[I1]>;
def Phlox_Tensor : StaticShapeTensorOf<[F32, I32, I64, I1]>;

// Element-wise: the DSL broadcasts the operands to one shape first.
def Phlox_Pointwise : NativeOpTrait<"Pointwise"> {
  let cppNamespace = "::phlox";
}
// Carries no derivative: its jvp and vjp say so by returning null values.
def Phlox_NotDifferentiable : NativeOpTrait<"NotDifferentiable"> {
  let cppNamespace = "::phlox";
}
// Draws noise: `stream` names it, `--explicit-noise` makes it an input.
def Phlox_Random : NativeOpTrait<"Random"> {
  let cppNamespace = "::phlox";
}

class Phlox_Op<string mnemonic, list<Trait> traits = []>
    : Op<Phlox_Dialect, mnemonic,
         !listconcat(traits, [DeclareOpInterfaceMethods<Phlox_Rules>])>;

// result = f(x) element by element.
class Phlox_UnaryOp<string mnemonic, list<Trait> traits = []>
    : Phlox_Op<mnemonic, !listconcat(traits, [
        Pure, Phlox_Pointwise,
        SameOperandsAndResultType // MNEMONIC_c1
      ])> {
  let arguments = (ins Phlox_FloatTensor:$x);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($result)";
}

// result = f(lhs, rhs) element by element.
class Phlox_BinaryOp<string mnemonic, list<Trait> traits = []>
    : Phlox_Op<mnemonic, !listconcat(traits, [
        Pure, Phlox_Pointwise,
        SameOperandsAndResultType // MNEMONIC_c1
      ])> {
  let arguments = (ins Phlox_FloatTensor:$lhs, Phlox_FloatTensor:$rhs);
  let results = (outs Phlox_FloatTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

// The result type follows from operands and attributes: `inferReturnTypes` in
// the op's rules file checks the constraints and says which one failed.
class Phlox_InferredOp<string mnemonic, list<Trait> traits = []>
    : Phlox_Op<mnemonic,
               !listconcat(traits, [Pure, InferTypeOpAdaptor])>;

#endif
