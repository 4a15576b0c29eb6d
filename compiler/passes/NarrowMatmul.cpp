// Computes only the part of a matrix product that is read: a slice of a product
// becomes a product of slices. The gradient of a concat's one operand is that.
#include "compiler/ops/Graph.h"
#include "compiler/passes/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace phlox {
#define GEN_PASS_DEF_NARROWMATMUL
#include "compiler/passes/Passes.h.inc"

namespace {

struct SliceProduct : mlir::OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  llvm::LogicalResult
  matchAndRewrite(SliceOp op, mlir::PatternRewriter &rewriter) const override {
    auto product = op.getX().getDefiningOp<MatmulOp>();
    if (!product || !product->hasOneUse())
      return rewriter.notifyMatchFailure(op,
                                         "not of a product read here alone");
    if (op.getX().getType() == op.getType())
      return rewriter.notifyMatchFailure(op, "cuts nothing off");
    SmallVector<int64_t> lhsStart(op.getStart()), rhsStart(op.getStart()),
        lhsSize(op.getSize()), rhsSize(op.getSize());
    size_t rank = lhsSize.size(), m = rank - 2, n = rank - 1;
    int64_t depth = shapeOf(product.getLhs())[n];
    lhsStart[n] = rhsStart[m] = 0;
    lhsSize[n] = rhsSize[m] = depth;
    Graph g(rewriter, product.getLoc());
    auto cut = [&](Value x, ArrayRef<int64_t> start, ArrayRef<int64_t> size) {
      return shapeOf(x) == size ? x : g.make<SliceOp>(x, start, size);
    };
    rewriter.replaceOpWithNewOp<MatmulOp>(
        op, cut(product.getLhs(), lhsStart, lhsSize),
        cut(product.getRhs(), rhsStart, rhsSize));
    return mlir::success();
  }
};

// a slice below a reshape: where only the last axis is cut, and it stays
struct SliceReshape : mlir::OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  llvm::LogicalResult
  matchAndRewrite(SliceOp op, mlir::PatternRewriter &rewriter) const override {
    auto reshape = op.getX().getDefiningOp<ReshapeOp>();
    if (!reshape || !reshape->hasOneUse() ||
        !reshape.getX().getDefiningOp<MatmulOp>())
      return rewriter.notifyMatchFailure(op, "not of a reshaped product");
    ArrayRef<int64_t> from = shapeOf(reshape.getX()), to = shapeOf(op.getX());
    if (to.drop_back() != shapeOf(op.getResult()).drop_back() || to.empty() ||
        from.back() != to.back())
      return rewriter.notifyMatchFailure(op, "cuts other axes than the last");
    Graph g(rewriter, op.getLoc());
    SmallVector<int64_t> start(from.size(), 0), size(from);
    start.back() = op.getStart().back();
    size.back() = op.getSize().back();
    Value part = g.make<SliceOp>(reshape.getX(), start, size);
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, part, shapeOf(op.getResult()));
    return mlir::success();
  }
};

struct NarrowMatmul : impl::NarrowMatmulBase<NarrowMatmul> {
  void runOnOperation() override {
    mlir::RewritePatternSet patterns(&getContext());
    patterns.add<SliceProduct, SliceReshape>(&getContext());
    if (mlir::failed(
            mlir::applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace phlox
