#include "compiler/codegen/cpu/F32Panels.h"
#include <algorithm>

namespace phlox::cpu {

// in a loop a weight is packed again and again
constexpr int64_t kFewestRows = 64, kFewestRowsInLoop = 1024;
constexpr int64_t kFewestBytes = 64 << 10; // more than the first-level cache

int64_t tileVectors(const Target &target, int64_t columns) {
  int64_t lanes = target.lanes, vectors = target.tileVectors;
  if (vectors == 3 && columns % (3 * lanes) && columns % (2 * lanes) == 0)
    vectors = 2;
  return std::min(vectors, std::max<int64_t>(columns / lanes, 1));
}

bool packsPanels(const Target &target, MatmulOp op) {
  auto shape = shapeOf(op.getResult());
  int64_t fewest =
      op->getParentOfType<ScanOp>() ? kFewestRowsInLoop : kFewestRows;
  return !target.bf16Parts && shape.size() == 2 && shape[0] >= fewest &&
         shape[1] >= target.lanes &&
         4 * shapeOf(op.getLhs())[1] * shape[1] >= kFewestBytes;
}

int64_t panelBytes(const Target &target, MatmulOp op) {
  auto shape = shapeOf(op.getRhs());
  int64_t width = tileVectors(target, shape[1]) * target.lanes;
  return 4 * shape[0] * (shape[1] / width * width);
}

void emitPanels(Product &product, Value packed, Value task) {
  auto &k = product.k;
  auto f32 = k.b.getF32Type();
  int64_t lanes = k.lanes, depth = product.depth, rank = product.rank;
  int64_t width = tileVectors(product.target, product.columns) * lanes;
  int64_t panels = product.columns / width;
  int64_t nextTerm = product.rhs.perDim[rank],
          nextColumn = product.rhs.perDim[rank - 1];
  product.kernel.tasks = tasksFor(product.kernel.cost, panels);
  auto from = [&](Value column, Value term) {
    return k.add(k.i64(product.rhs.constant),
                 k.add(k.mul(column, nextColumn), k.mul(term, nextTerm)));
  };
  // `vector` of a panel's row
  auto to = [&](Value panel, Value term, int64_t vector) {
    Value row = k.add(k.mul(panel, depth), term);
    return k.add(k.mul(row, width), vector * lanes);
  };
  // square blocks, turned in registers
  auto turned = [&](Value panel, Value column, int64_t vector) {
    int64_t full = depth / lanes * lanes;
    k.loop(0, full, lanes, [&](Value term) {
      SmallVector<Value> block;
      for (int64_t lane = 0; lane < lanes; lane++)
        block.push_back(k.load(product.rhsBase, from(k.add(column, lane), term),
                               f32, lanes));
      turn(k, block);
      for (int64_t lane = 0; lane < lanes; lane++)
        k.store(block[lane], packed, to(panel, k.add(term, lane), vector));
    });
    k.loop(full, depth, 1, [&](Value term) {
      Value row =
          k.load(product.rhsBase, from(column, term), f32, lanes, nextColumn);
      k.store(row, packed, to(panel, term, vector));
    });
  };
  k.loop(k.taskBegin(task, product.kernel.tasks, panels),
         k.taskBegin(k.add(task, 1), product.kernel.tasks, panels), 1,
         [&](Value panel) {
           Value column = k.mul(panel, width);
           if (nextColumn != 1) {
             for (int64_t i = 0; i < width / lanes; i++)
               turned(panel, k.add(column, i * lanes), i);
             return;
           }
           k.loop(0, depth, 1, [&](Value term) {
             for (int64_t i = 0; i < width / lanes; i++)
               k.store(k.load(product.rhsBase,
                              from(k.add(column, i * lanes), term), f32, lanes),
                       packed, to(panel, term, i));
           });
         });
}

} // namespace phlox::cpu
