// Moves reshapes below element-wise ops, where they meet other reshapes and
// vanish. What is left between two matrix products is element-wise work on the
// product's own shape, which the planner puts into the product's kernel.
#include "compiler/codegen/Lowering.h"
#include "compiler/ops/Graph.h"
#include "compiler/passes/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace phlox {
#define GEN_PASS_DEF_MOVERESHAPES
#include "compiler/passes/Passes.h.inc"

namespace {

bool isPointwise(mlir::Operation *op) {
  auto rules = mlir::dyn_cast<Rules>(op);
  if (!rules || op->getNumResults() != 1)
    return false;
  Lowering lowering;
  rules.lower(lowering);
  return lowering.pointwiseBody != nullptr;
}

// one number in all elements, whatever the shape
bool isUniform(Value value) {
  if (auto broadcast = value.getDefiningOp<BroadcastOp>())
    return tensorType(broadcast.getX()).getNumElements() == 1;
  auto constant = value.getDefiningOp<ConstantOp>();
  return constant && constant.getValue().isSplat();
}

// the value of isUniform under another shape
Value uniform(Graph &g, Value value, ArrayRef<int64_t> shape) {
  if (auto broadcast = value.getDefiningOp<BroadcastOp>())
    return g.broadcast(g.reshape(broadcast.getX(), {}), shape);
  auto elements = mlir::cast<mlir::DenseElementsAttr>(
      value.getDefiningOp<ConstantOp>().getValue());
  auto type = elements.getType().clone(shape);
  return g.make<ConstantOp>(elements.resizeSplat(type));
}

struct MoveBelow : mlir::RewritePattern {
  explicit MoveBelow(mlir::MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  llvm::LogicalResult
  matchAndRewrite(mlir::Operation *op,
                  mlir::PatternRewriter &rewriter) const override {
    std::optional<ArrayRef<int64_t>> shape;
    for (Value operand : op->getOperands())
      if (auto reshape = operand.getDefiningOp<ReshapeOp>()) {
        // memory that exists anyway is best read under the shape asked for
        if (!reshape.getX().getDefiningOp() ||
            (shape && *shape != shapeOf(reshape.getX())))
          return mlir::failure();
        shape = shapeOf(reshape.getX());
      } else if (!isUniform(operand)) {
        return mlir::failure();
      }
    if (!shape || !isPointwise(op))
      return mlir::failure();
    Graph g(rewriter, op->getLoc());
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      auto reshape = operand.getDefiningOp<ReshapeOp>();
      operands.push_back(reshape ? reshape.getX()
                                 : uniform(g, operand, *shape));
    }
    mlir::OperationState state(op->getLoc(), op->getName(), operands,
                               tensorType(op->getResult(0)).clone(*shape),
                               op->getAttrs());
    Value moved = rewriter.create(state)->getResult(0);
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, moved,
                                           shapeOf(op->getResult(0)));
    return mlir::success();
  }
};

struct FoldReshape : mlir::OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  llvm::LogicalResult
  matchAndRewrite(ReshapeOp op,
                  mlir::PatternRewriter &rewriter) const override {
    if (op.getX().getType() == op.getType()) {
      rewriter.replaceOp(op, op.getX());
      return mlir::success();
    }
    auto inner = op.getX().getDefiningOp<ReshapeOp>();
    if (!inner)
      return mlir::failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, inner.getX(), op.getShape());
    return mlir::success();
  }
};

struct MoveReshapes : impl::MoveReshapesBase<MoveReshapes> {
  void runOnOperation() override {
    mlir::RewritePatternSet patterns(&getContext());
    patterns.add<MoveBelow, FoldReshape>(&getContext());
    if (mlir::failed(
            mlir::applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace phlox
