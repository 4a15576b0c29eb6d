// Rewrites ops that say they are compositions (Lowering::decompose), until only
// ops with loops of their own are left.
#include "compiler/codegen/Lowering.h"
#include "compiler/ops/Graph.h"
#include "compiler/passes/Passes.h"

namespace phlox {
#define GEN_PASS_DEF_DECOMPOSE
#include "compiler/passes/Passes.h.inc"

namespace {
struct Decompose : impl::DecomposeBase<Decompose> {
  void runOnOperation() override {
    SmallVector<mlir::Operation *> work;
    getOperation()->walk([&](Rules op) { work.push_back(op); });
    while (!work.empty()) {
      auto *op = work.pop_back_val();
      Lowering lowering;
      mlir::cast<Rules>(op).lower(lowering);
      if (!lowering.rewriting)
        continue;
      mlir::OpBuilder builder(op);
      Graph graph(builder, op->getLoc());
      auto *before = op->getPrevNode();
      auto results = lowering.rewriting(graph);
      // what was built may itself be a composition
      auto *made = before ? before->getNextNode() : &op->getBlock()->front();
      for (; made != op; made = made->getNextNode())
        work.push_back(made);
      op->replaceAllUsesWith(results);
      op->erase();
    }
  }
};
} // namespace
} // namespace phlox
