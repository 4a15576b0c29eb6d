// Chains of what an update writes: element-wise kernels that read the same
// tensors and write leaves of one shape (moments, parameter, moving average).
// Tile by tile, each number crosses the third-level cache once, not once per
// kernel.
#include "compiler/codegen/cpu/Planner.h"

namespace phlox::cpu {
namespace {
// some tensors' tiles together stay in the second-level cache
constexpr int64_t kTileBytes = 32 << 10;
constexpr double kTaskNanoseconds = 4000;

int64_t tileRowsFor(ArrayRef<int64_t> shape) {
  for (int64_t rows : {64, 32, 16, 8, 4, 2})
    if (shape[0] % rows == 0 && rows * shape[1] * 4 <= kTileBytes)
      return rows;
  return 1;
}

// what must run first comes first
SmallVector<unsigned> inOrder(const Region &region,
                              SmallVector<unsigned> kernels) {
  SmallVector<unsigned> order;
  while (!kernels.empty()) {
    auto *next = llvm::find_if(kernels, [&](unsigned i) {
      return llvm::none_of(region.kernels[i]->after, [&](unsigned before) {
        return before != i && llvm::is_contained(kernels, before);
      });
    });
    order.push_back(*next);
    kernels.erase(next);
  }
  return order;
}
} // namespace

// Whether the kernel may run right after the same rows of the members, and
// before those that overwrite what it reads.
bool RegionPlanner::mayUpdateWith(ArrayRef<unsigned> members, unsigned index) {
  auto &kernel = *region.kernels[index];
  auto isMember = [&](unsigned i) { return llvm::is_contained(members, i); };
  auto byRow = [&](const Kernel &reader, const Kernel &writer) {
    return readsByRow(plan, reader, writer.root) &&
           (!writer.overwrites || readsByRow(plan, reader, writer.overwrites));
  };
  bool shares = false;
  SmallVector<unsigned> others, before;
  for (unsigned member : members) {
    auto &other = *region.kernels[member];
    if (other.guard != kernel.guard || !byRow(kernel, other) ||
        !byRow(other, kernel))
      return false;
    auto shape = shapeOf(kernel.root);
    shares |= kernel.reads.contains(other.root) ||
              llvm::any_of(kernel.reads, [&](Value value) {
                return shapeOf(value) == shape && other.reads.contains(value);
              });
    for (unsigned i : other.after)
      if (!isMember(i) && i != index)
        before.push_back(i);
  }
  for (unsigned i : kernel.after)
    if (!isMember(i))
      others.push_back(i);
  return shares && !waitsFor(others, isMember) &&
         !waitsFor(before, [&](unsigned i) { return i == index; });
}

void RegionPlanner::formUpdateChains() {
  if (region.depth)
    return;
  // kernels that write leaves, and those that only such kernels read
  size_t count = region.kernels.size();
  llvm::SmallVector<bool> belongs(count);
  llvm::DenseMap<Value, SmallVector<unsigned>> readers;
  for (auto [i, kernel] : llvm::enumerate(region.kernels))
    for (Value value : kernel->reads)
      readers[memoryOf(plan, value)].push_back(i);
  for (size_t i = count; i-- > 0;) {
    auto &kernel = *region.kernels[i];
    if (kernel.kind != Kernel::Elementwise || kernel.chain ||
        !rowsOfChainable(kernel))
      continue;
    auto &uses = readers[kernel.root];
    belongs[i] = kernel.target.buffer->resolve()->storage == Storage::Leaf ||
                 (!uses.empty() && !claimed.contains(kernel.root) &&
                  llvm::all_of(uses, [&](unsigned use) {
                    return use == i || belongs[use];
                  }));
  }
  SmallVector<unsigned> all;
  for (unsigned i = 0; i < count; i++)
    if (belongs[i])
      all.push_back(i);
  std::vector<std::unique_ptr<Chain>> chains;
  for (unsigned i : inOrder(region, all)) {
    auto &kernel = *region.kernels[i];
    auto found = llvm::find_if(chains, [&](auto &chain) {
      auto &first = *region.kernels[chain->kernels.front()];
      return shapeOf(first.root) == shapeOf(kernel.root) &&
             mayUpdateWith(chain->kernels, i);
    });
    if (found == chains.end())
      found = chains.insert(found, std::make_unique<Chain>());
    (*found)->kernels.push_back(i);
    kernel.chain = found->get();
  }
  for (auto &chain : chains) {
    if (chain->kernels.size() == 1) {
      region.kernels[chain->kernels.front()]->chain = nullptr;
      continue;
    }
    auto &first = *region.kernels[chain->kernels.front()];
    tile(*chain, tileRowsFor(shapeOf(first.root)), kTaskNanoseconds);
    region.chains.push_back(std::move(chain));
  }
}

} // namespace phlox::cpu
