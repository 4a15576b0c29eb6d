// The phlox dialect: op classes, the rules interface, and what rules work on.
#pragma once
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace phlox {
class Batch;
class Evaluation;
class Graph;
class Lowering;

/// Marks element-wise ops.
template <class Op>
class Pointwise : public mlir::OpTrait::TraitBase<Op, Pointwise> {};
/// Marks ops whose results carry no derivative.
template <class Op>
class NotDifferentiable
    : public mlir::OpTrait::TraitBase<Op, NotDifferentiable> {};
/// Marks ops that draw noise; they have a `stream` attribute.
template <class Op>
class Random : public mlir::OpTrait::TraitBase<Op, Random> {};

using mlir::ArrayRef;
using mlir::RankedTensorType;
using mlir::SmallVector;
using mlir::Value;
} // namespace phlox

#include "compiler/dialect/PhloxDialect.h.inc"
#include "compiler/dialect/PhloxEnums.h.inc"
#include "compiler/dialect/PhloxRules.h.inc"
#define GET_OP_CLASSES
#include "compiler/dialect/PhloxOps.h.inc"

namespace phlox {
/// Returns the static tensor type of a value of the dialect.
inline RankedTensorType tensorType(Value value) {
  return mlir::cast<RankedTensorType>(value.getType());
}
/// Returns the extents of a value of the dialect.
inline ArrayRef<int64_t> shapeOf(Value value) {
  return tensorType(value).getShape();
}
/// Formats extents as users read them: 256x17; a scalar is "()".
std::string formatShape(ArrayRef<int64_t> shape);

/// Names of the attributes that entry points and modules carry.
inline constexpr llvm::StringLiteral kLeafAttr = "phlox.leaf";
inline constexpr llvm::StringLiteral kInputAttr = "phlox.input";
inline constexpr llvm::StringLiteral kOutputAttr = "phlox.output";
inline constexpr llvm::StringLiteral kLeavesAttr = "phlox.leaves";
inline constexpr llvm::StringLiteral kProgramAttr = "phlox.program";
} // namespace phlox
