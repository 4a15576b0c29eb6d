// Moves reshapes below element-wise ops, where they meet other reshapes and
// vanish. What is left between two matrix products is element-wise work on the
// product's own shape, which the planner puts into the product's kernel: of
// several tangents of one point too, whose derivatives are read once for each.
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

// What a broadcast is under a shape that has several of its axes as one: x with
// its axes merged likewise, each lengthened by copies of its entries side by
// side. Where an axis of x lies behind a repeated one in the same merged axis,
// copies of all of it would follow each other: no op does that.
struct Merged {
  SmallVector<int64_t> x, copies;
};

std::optional<Merged> mergeAxes(BroadcastOp op, ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> wide = shapeOf(op.getResult()), x = shapeOf(op.getX());
  SmallVector<int64_t> narrow(wide.size() - x.size(), 1);
  narrow.append(x.begin(), x.end());
  Merged merged;
  size_t axis = 0;
  for (int64_t extent : shape) {
    int64_t entries = 1, copies = 1;
    for (; entries * copies < extent && axis < wide.size(); ++axis) {
      if (narrow[axis] != 1 && copies != 1)
        return std::nullopt;
      entries *= narrow[axis];
      copies *= wide[axis] / narrow[axis];
    }
    if (entries * copies != extent)
      return std::nullopt; // an axis was split
    merged.x.push_back(entries);
    merged.copies.push_back(copies);
  }
  return merged;
}

bool isScalar(BroadcastOp op) {
  return tensorType(op.getX()).getNumElements() == 1;
}

// Whether a value can be had under another shape without a pass over memory.
bool hasForm(Value value, ArrayRef<int64_t> shape) {
  if (auto reshape = value.getDefiningOp<ReshapeOp>())
    return shapeOf(reshape.getX()) == shape;
  if (auto broadcast = value.getDefiningOp<BroadcastOp>())
    return isScalar(broadcast) || mergeAxes(broadcast, shape);
  auto constant = value.getDefiningOp<ConstantOp>();
  return constant && constant.getValue().isSplat();
}

// A value of which hasForm holds under that shape.
Value form(Graph &g, Value value, ArrayRef<int64_t> shape) {
  if (auto reshape = value.getDefiningOp<ReshapeOp>())
    return reshape.getX();
  if (auto broadcast = value.getDefiningOp<BroadcastOp>()) {
    if (isScalar(broadcast))
      return g.broadcast(g.reshape(broadcast.getX(), {}), shape);
    Merged merged = *mergeAxes(broadcast, shape);
    Value x = g.reshape(broadcast.getX(), merged.x);
    for (size_t axis = 0; axis < shape.size(); ++axis)
      if (merged.copies[axis] != 1 && merged.x[axis] != 1)
        x = g.make<StretchOp>(x, merged.copies[axis], int64_t(axis));
    return shapeOf(x) == shape ? x : g.broadcast(x, shape);
  }
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
        if (!reshape.getX().getDefiningOp())
          return mlir::failure();
        shape = shapeOf(reshape.getX());
      }
    auto fits = [&](Value operand) { return hasForm(operand, *shape); };
    if (!shape || !llvm::all_of(op->getOperands(), fits) || !isPointwise(op))
      return mlir::failure();
    Graph g(rewriter, op->getLoc());
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(form(g, operand, *shape));
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
