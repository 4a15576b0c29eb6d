// Hands what is repeated into a scan and repeats it inside, where the body's
// ops show how often they compute the same.
#include "compiler/ops/Graph.h"
#include "compiler/passes/Passes.h"
#include "mlir/IR/IRMapping.h"

namespace phlox {
#define GEN_PASS_DEF_SINKREPEAT
#include "compiler/passes/Passes.h.inc"

namespace {

int64_t elementsOf(Value value) { return tensorType(value).getNumElements(); }

// the ops, last first, that make a value from a smaller one by repeating and
// reshaping it; none if it is no larger
SmallVector<mlir::Operation *> repetition(Value value) {
  SmallVector<mlir::Operation *> ops;
  Value source = value;
  while (auto *op = source.getDefiningOp()) {
    if (!mlir::isa<RepeatOp, StretchOp, BroadcastOp, ExpandOp, ReshapeOp>(op))
      break;
    ops.push_back(op);
    source = op->getOperand(0);
  }
  // a reshape before the first repetition is the source's own
  while (!ops.empty() && elementsOf(ops.back()->getOperand(0)) ==
                             elementsOf(ops.back()->getResult(0)))
    ops.pop_back();
  return ops;
}

void sink(ScanOp scan) {
  mlir::Block &body = scan.getBody().front();
  unsigned first = scan.getInits().size() + scan.getXs().size();
  for (unsigned i = 0; i < scan.getConstants().size(); ++i) {
    auto ops = repetition(scan.getConstants()[i]);
    if (ops.empty())
      continue;
    Value source = ops.back()->getOperand(0);
    mlir::BlockArgument argument = body.getArgument(first + i);
    mlir::IRMapping mapping;
    mlir::OpBuilder inside(&body, body.begin());
    mapping.map(source, argument);
    SmallVector<mlir::Operation *> made;
    for (mlir::Operation *op : llvm::reverse(ops))
      made.push_back(inside.clone(*op, mapping));
    Value whole = made.back()->getResult(0);
    argument.replaceAllUsesExcept(whole, made.front());
    argument.setType(source.getType());
    scan.getConstantsMutable()[i].set(source);
  }
}

struct SinkRepeat : impl::SinkRepeatBase<SinkRepeat> {
  void runOnOperation() override {
    // outer scans first: what they get, inner ones may get
    getOperation()->walk<mlir::WalkOrder::PreOrder>(sink);
  }
};

} // namespace
} // namespace phlox
