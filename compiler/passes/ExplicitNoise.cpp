// Makes every draw an input of its entry point, named after its stream, so that
// any entry point can be compared with another implementation.
#include "compiler/dialect/Phlox.h"
#include "compiler/passes/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace phlox {
#define GEN_PASS_DEF_EXPLICITNOISE
#include "compiler/passes/Passes.h.inc"

namespace {

// the draw as a function of its input: bounds apply to a uniform number
Value drawFrom(mlir::OpBuilder &builder, mlir::Operation *op, Value noise) {
  auto bounded = mlir::dyn_cast<TruncNormalOp>(op);
  if (!bounded)
    return noise;
  return TruncQuantileOp::create(builder, op->getLoc(), noise,
                                 bounded.getLower(), bounded.getUpper());
}

bool hasInput(mlir::func::FuncOp function, mlir::StringAttr name) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (function.getArgAttr(i, kInputAttr) == name)
      return true;
  return false;
}

struct ExplicitNoise : impl::ExplicitNoiseBase<ExplicitNoise> {
  void runOnOperation() override {
    mlir::WalkResult result =
        getOperation()->walk([](mlir::func::FuncOp function) {
          return mlir::WalkResult(rewrite(function));
        });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  static llvm::LogicalResult rewrite(mlir::func::FuncOp function) {
    SmallVector<mlir::Operation *> draws;
    function.walk([&](mlir::Operation *op) {
      if (op->hasTrait<Random>())
        draws.push_back(op);
    });
    for (mlir::Operation *op : draws) {
      auto stream = op->getAttrOfType<mlir::StringAttr>("stream");
      if (op->getParentOp() != function)
        return op->emitError("noise '")
               << stream.getValue()
               << "' must be drawn outside of a scan's body";
      if (hasInput(function, stream))
        return op->emitError("entry point '")
               << function.getSymName() << "' must have one input named '"
               << stream.getValue() << "': got two";
      mlir::OpBuilder builder(op);
      auto name =
          builder.getDictionaryAttr(builder.getNamedAttr(kInputAttr, stream));
      unsigned place = function.getNumArguments();
      if (mlir::failed(function.insertArgument(
              place, op->getResult(0).getType(), name, op->getLoc())))
        return op->emitError("entry point '")
               << function.getSymName() << "' must take another input";
      op->getResult(0).replaceAllUsesWith(
          drawFrom(builder, op, function.getArgument(place)));
      op->erase();
    }
    return mlir::success();
  }
};
} // namespace
} // namespace phlox
