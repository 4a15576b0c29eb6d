// Replaces functions without arguments by the constants that the f64
// interpreter finds them to return.
#include "compiler/interpreter/Interpreter.h"
#include "compiler/passes/Passes.h"
#include "mlir/IR/BuiltinOps.h"

namespace phlox {
#define GEN_PASS_DEF_EVALUATE
#include "compiler/passes/Passes.h.inc"

namespace {
mlir::DenseElementsAttr toAttribute(const HostTensor &tensor) {
  SmallVector<mlir::Attribute> elements;
  mlir::OpBuilder builder(tensor.type.getContext());
  auto element = tensor.type.getElementType();
  for (int64_t i = 0; i < tensor.size(); i++) {
    if (tensor.isReal())
      elements.push_back(builder.getFloatAttr(element, tensor.reals[i]));
    else
      elements.push_back(builder.getIntegerAttr(
          element, llvm::APInt(element.getIntOrFloatBitWidth(),
                               tensor.counts[i], false, true)));
  }
  return mlir::DenseElementsAttr::get(tensor.type, elements);
}

struct Evaluate : impl::EvaluateBase<Evaluate> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<mlir::func::FuncOp>()) {
      if (function.getNumArguments() || function.isDeclaration())
        continue;
      auto results = interpret(function, {});
      if (!results) {
        function.emitError(llvm::toString(results.takeError()));
        return signalPassFailure();
      }
      auto &block = function.getBody().front();
      mlir::OpBuilder builder(block.getTerminator());
      SmallVector<Value> values;
      for (auto &result : *results)
        values.push_back(ConstantOp::create(builder, function.getLoc(),
                                            toAttribute(result)));
      block.getTerminator()->setOperands(values);
      // everything else is dead now, last use first
      for (auto &op : llvm::make_early_inc_range(llvm::reverse(block)))
        if (!op.hasTrait<mlir::OpTrait::IsTerminator>() && op.use_empty())
          op.erase();
    }
  }
};
} // namespace
} // namespace phlox
