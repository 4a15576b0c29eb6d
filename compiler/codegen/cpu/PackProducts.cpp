// Right operands of products, packed once for all tasks and products that read
// them.
#include "compiler/codegen/cpu/Bf16Panels.h"
#include "compiler/codegen/cpu/F32Panels.h"
#include "compiler/codegen/cpu/Planner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace phlox::cpu {
namespace {
// whether reading `value` through its chain of rearrangements, up to what has
// memory of its own, keeps neighbours along an axis (1: the last one, 2: the
// one before) next to each other
bool hasUnitStride(Plan &plan, Value value, int64_t fromLast,
                   const llvm::DenseSet<Value> &owners) {
  int64_t axis = tensorType(value).getRank() - fromLast;
  while (auto op = value.getDefiningOp()) {
    auto &lowering = loweringOf(plan, op);
    if (!lowering.indexMap || plan.places.contains(value) ||
        owners.contains(value))
      break;
    int64_t found = -1;
    for (auto [a, source] : llvm::enumerate(lowering.indexMap->source))
      if (source == axis)
        found = a;
    if (found < 0)
      return false;
    axis = found;
    value = op->getOperand(0);
  }
  auto shape = shapeOf(value);
  return llvm::all_of(shape.drop_front(axis + 1),
                      [](int64_t extent) { return extent == 1; });
}
} // namespace

bool readsRhsAsItIs(Plan &plan, const Target &target, MatmulOp op,
                    const llvm::DenseSet<Value> &owners) {
  auto shape = shapeOf(op.getResult());
  bool isPacked = usesBf16(target, shape[shape.size() - 2],
                           shapeOf(op.getLhs()).back(), shape.back());
  int64_t width = tileVectors(target, shape.back()) * target.lanes;
  isPacked |= packsPanels(target, op) && shape.back() % width == 0;
  return hasUnitStride(plan, op.getRhs(), 1, owners) ||
         (isPacked && hasUnitStride(plan, op.getRhs(), 2, owners));
}

void RegionPlanner::packProducts() {
  llvm::DenseMap<Value, unsigned> packs;
  for (size_t i = 0, count = region.kernels.size(); i < count; i++) {
    auto &kernel = *region.kernels[i];
    if (kernel.kind != Kernel::Matmul)
      continue;
    auto op = mlir::cast<MatmulOp>(kernel.anchor);
    bool byPanels = packsPanels(target, op);
    if (!byPanels && !packsApart(target, op))
      continue;
    auto [known, isNew] = packs.insert({op.getRhs(), region.kernels.size()});
    if (isNew) {
      auto &pack = newKernel(Kernel::Pack, op.getRhs());
      pack.anchor = op;
      auto *buffer =
          newBuffer(Storage::Scratch, byPanels ? panelBytes(target, op)
                                               : packedBytes(target, op));
      pack.target = {buffer, 0, {}};
      collectReads(pack, op.getRhs(), false);
      guard(pack, kernel.guard);
    }
    auto &pack = *region.kernels[known->second];
    if (pack.guard != kernel.guard)
      pack.guard = Value(); // each wants it under a condition of its own
    kernel.packed = pack.target;
    kernel.after.push_back(known->second);
  }
}

void emitPack(Plan &plan, Kernel &kernel, KernelBuilder &k,
              const Target &target, mlir::ValueRange addresses, Value task) {
  auto op = mlir::cast<MatmulOp>(kernel.anchor);
  auto shape = shapeOf(op.getResult());
  int64_t depth = shapeOf(op.getLhs()).back(), columns = shape[1];
  Expression expression(plan, kernel, k, {shape[0], columns, depth});
  expression.setBases(addresses);
  auto access = Expression::identity(2);
  access[0].dim = 2; // rows of the operand are terms
  auto [rhs, view] = expression.view(op.getRhs(), access);
  Product product{kernel,
                  k,
                  target,
                  expression,
                  Value(),
                  2,
                  shape[0],
                  columns,
                  depth,
                  Value(),
                  expression.base(plan.places[rhs]),
                  {},
                  expression.stridesFor(shapeOf(rhs), view),
                  {},
                  {},
                  {},
                  {}};
  if (packsPanels(target, op)) {
    expression.guarded(
        [&] { emitPanels(product, expression.base(kernel.target), task); });
    return;
  }
  Bf16Panels panels(product);
  int64_t full = columns / kBlock;
  kernel.tasks = tasksFor(kernel.cost, full);
  expression.guarded([&] {
    panels.placeRhs(expression.base(kernel.target));
    k.loop(k.taskBegin(task, kernel.tasks, full),
           k.taskBegin(k.add(task, 1), kernel.tasks, full), 1,
           [&](Value panel) {
             panels.packRhs(k.mul(panel, kBlock), kBlock, k.i64(0), depth,
                            k.mul(panel, kBlock / kTileRows));
           });
    if (columns % kBlock)
      k.when(panels.equal(task, kernel.tasks - 1), [&] {
        panels.packRhs(k.i64(full * kBlock), columns % kBlock, k.i64(0), depth,
                       k.i64(full * kBlock / kTileRows));
      });
  });
}

} // namespace phlox::cpu
