// What the kernels of a plan are, for profiles.
#include "compiler/codegen/cpu/Emit.h"
#include "llvm/ADT/StringExtras.h"

namespace phlox::cpu {
namespace {

constexpr size_t kMostOps = 8; // named in one kernel

// "256x6", "scalar"
std::string extents(ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t extent : shape)
    text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text.empty() ? "scalar" : text;
}

std::string shortName(mlir::Operation *op) {
  return op->getName().stripDialect().str();
}

// the ops that run in a kernel beside its anchor, in the program's order
std::string opsInside(const Plan &plan, const Kernel &kernel) {
  llvm::SetVector<mlir::Operation *> inside;
  SmallVector<Value> work{kernel.root};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    auto *op = value.getDefiningOp();
    bool stored = value != kernel.root && plan.places.contains(value);
    if (!op || stored || !inside.insert(op))
      continue;
    llvm::append_range(work, op->getOperands());
  }
  auto ordered = inside.takeVector();
  llvm::sort(ordered, [](mlir::Operation *x, mlir::Operation *y) {
    return x->isBeforeInBlock(y);
  });
  llvm::SetVector<llvm::StringRef> names;
  for (auto *op : ordered)
    if (op != kernel.anchor)
      names.insert(op->getName().stripDialect());
  std::string text;
  for (auto [i, name] : llvm::enumerate(names)) {
    if (i == kMostOps)
      return text + " ...";
    text += " " + name.str();
  }
  return text;
}

std::string nameOf(const Plan &plan, const Kernel &kernel) {
  if (kernel.source)
    return "copy " + extents(shapeOf(kernel.root));
  if (kernel.kind == Kernel::Pack)
    return "pack " + extents(shapeOf(kernel.root));
  if (auto matmul = mlir::dyn_cast_or_null<MatmulOp>(kernel.anchor)) {
    auto shape = shapeOf(matmul.getResult());
    SmallVector<int64_t> sizes(shape);
    sizes.insert(sizes.end() - 1, shapeOf(matmul.getLhs()).back());
    return "matmul " + extents(sizes) + opsInside(plan, kernel);
  }
  if (kernel.kind == Kernel::Own)
    return shortName(kernel.anchor) + " " + extents(shapeOf(kernel.root));
  if (kernel.kind == Kernel::Reduce)
    return "reduce " + extents(shapeOf(kernel.anchor->getOperand(0))) + " to " +
           extents(shapeOf(kernel.root)) + opsInside(plan, kernel);
  return "map " + extents(shapeOf(kernel.root)) + opsInside(plan, kernel);
}

void number(Plan &plan, Region &region, int64_t calls, int64_t first,
            int64_t &step, std::vector<KernelInfo> &found) {
  for (auto &each : region.steps) {
    if (each.isScan) {
      auto &body = *region.kernels[each.kernels[0]]->body;
      number(plan, body, calls * body.length, first, step, found);
      continue;
    }
    for (unsigned index : each.kernels)
      for (unsigned one : kernelsOf(region, index)) {
        auto &kernel = *region.kernels[one];
        kernel.record = first + int64_t(found.size());
        found.push_back(
            {nameOf(plan, kernel), step, calls, kernel.flops, kernel.bytes});
      }
    step++;
  }
}
} // namespace

std::vector<KernelInfo> numberKernels(Plan &plan, int64_t first) {
  std::vector<KernelInfo> found;
  int64_t step = 0;
  number(plan, *plan.region, 1, first, step, found);
  return found;
}

} // namespace phlox::cpu
