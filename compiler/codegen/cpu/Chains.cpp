// Finds chains: matrix products and element-wise kernels over many rows, each
// of which reads only the rows of the one before that it writes itself. Run
// tile by tile, what one hands to the next needs one tile of memory per task.
#include "compiler/codegen/cpu/Emit.h"
#include "compiler/codegen/cpu/Planner.h"
#include "compiler/interpreter/Evaluation.h"
#include <algorithm>

namespace phlox::cpu {
namespace {

// fewer rows stay in the cache anyway
constexpr int64_t kFewestRows = 128;
// below this a chain is not worth tasks of its own; each has tiles of its own
constexpr double kTaskNanoseconds = 100'000;
constexpr int64_t kMostTasks = 64;

// Of few rows tasks are short, so that threads end together, with bf16 down to
// the rows of a block.
constexpr int64_t kManyRows = 1024, kFineRows = 32;
constexpr double kFineNanoseconds = 8'000;

// Rows of a tile: few enough for the tiles of two layers to share the second
// level cache with weights, and a divisor, so that all tiles are alike.
int64_t tileRowsFor(int64_t rows) {
  for (int64_t tile : {64, 80, 72, 96, 56, 48, 100, 40, 32})
    if (rows % tile == 0)
      return tile;
  return 0;
}

} // namespace

int64_t rowsOfChainable(const Kernel &kernel) {
  if (kernel.kind != Kernel::Matmul && kernel.kind != Kernel::Elementwise)
    return 0;
  auto shape = shapeOf(kernel.root);
  if (kernel.source || shape.size() != 2 || shape[0] < kFewestRows ||
      stridesOf(shape) != ArrayRef<int64_t>(kernel.targetStrides))
    return 0;
  return tileRowsFor(shape[0]) ? shape[0] : 0;
}

bool readsByRow(Plan &plan, const Kernel &kernel, Value value) {
  SmallVector<std::pair<Value, bool>> work{{kernel.root, true}};
  llvm::DenseSet<std::pair<Value, unsigned>> seen;
  while (!work.empty()) {
    auto [reached, byRow] = work.pop_back_val();
    if (!seen.insert({reached, unsigned(byRow)}).second)
      continue;
    if (reached != kernel.root && plan.places.contains(reached)) {
      if (memoryOf(plan, reached) == value && !(byRow && reached == value))
        return false;
      continue;
    }
    auto *op = reached.getDefiningOp();
    if (!op)
      continue;
    auto matmul = mlir::dyn_cast<MatmulOp>(op);
    bool pointwise = bool(loweringOf(plan, op).pointwiseBody);
    for (Value operand : op->getOperands())
      work.push_back({operand, byRow && (matmul ? operand == matmul.getLhs() &&
                                                      operand != matmul.getRhs()
                                                : pointwise)});
  }
  return true;
}

// whether a kernel that must run before one of `from` is wanted; a kernel of a
// chain waits for what any of the chain's kernels waits for
bool RegionPlanner::waitsFor(ArrayRef<unsigned> from,
                             llvm::function_ref<bool(unsigned)> wanted) {
  SmallVector<unsigned> work(from.begin(), from.end());
  llvm::DenseSet<unsigned> seen;
  while (!work.empty()) {
    unsigned index = work.pop_back_val();
    if (wanted(index))
      return true;
    if (!seen.insert(index).second)
      continue;
    auto &kernel = *region.kernels[index];
    ArrayRef<unsigned> together(index);
    for (unsigned one : kernel.chain ? kernel.chain->kernels : together)
      llvm::append_range(work, region.kernels[one]->after);
  }
  return false;
}

// whether the kernel may run right after the same rows of the members
bool RegionPlanner::mayJoin(ArrayRef<unsigned> members, unsigned index) {
  auto &kernel = *region.kernels[index];
  auto isMember = [&](unsigned i) { return llvm::is_contained(members, i); };
  for (unsigned member : members)
    if (!readsByRow(plan, kernel, region.kernels[member]->root))
      return false;
  SmallVector<unsigned> others, before;
  for (unsigned i : kernel.after)
    if (!isMember(i))
      others.push_back(i);
  for (unsigned member : members)
    llvm::append_range(before, region.kernels[member]->after);
  return !waitsFor(others, isMember) &&
         !waitsFor(before, [&](unsigned i) { return i == index; });
}

// A value that only its own chain reads needs a tile per task.
void RegionPlanner::shrinkToTiles(Chain &chain) {
  llvm::DenseSet<Value> read; // by others, or under another shape
  for (auto &kernel : region.kernels)
    for (Value value : kernel->reads)
      if (Value memory = memoryOf(plan, value);
          memory != value || kernel->chain != &chain)
        read.insert(memory);
  for (unsigned index : chain.kernels) {
    auto &kernel = *region.kernels[index];
    auto *buffer = plan.places[kernel.root].buffer;
    if (read.contains(kernel.root) || claimed.contains(kernel.root) ||
        buffer->storage != Storage::Scratch || buffer->sameAs)
      continue;
    buffer->chain = &chain;
    buffer->tileBytes = buffer->bytes / chain.tiles;
    buffer->bytes = buffer->tileBytes * chain.tasks();
  }
}

// Producers come before their consumers in the list of kernels.
void RegionPlanner::formChains() {
  llvm::DenseMap<Value, unsigned> producers;
  for (auto [i, owned] : llvm::enumerate(region.kernels)) {
    auto &kernel = *owned;
    int64_t rows = rowsOfChainable(kernel);
    if (!rows || kernel.chain)
      continue;
    // a leaf or a carry may be read by others as it was
    bool isOutput = region.depth == 0 &&
                    kernel.target.buffer->resolve()->storage == Storage::Output;
    if (claimed.contains(kernel.root) && !isOutput)
      continue;
    for (Value value : kernel.reads) {
      auto found = producers.find(value);
      if (found == producers.end())
        continue;
      auto &before = *region.kernels[found->second];
      SmallVector<unsigned> alone{found->second};
      if (rowsOfChainable(before) != rows ||
          !mayJoin(before.chain ? before.chain->kernels : alone, i))
        continue;
      if (!before.chain) {
        region.chains.push_back(std::make_unique<Chain>());
        before.chain = region.chains.back().get();
        before.chain->kernels = alone;
      }
      kernel.chain = before.chain;
      kernel.chain->kernels.push_back(i);
      break;
    }
    producers[kernel.root] = i;
  }
  for (auto &chain : region.chains) {
    if (chain->rows)
      continue;
    int64_t rows = rowsOfChainable(*region.kernels[chain->kernels.front()]);
    if (rows >= kManyRows)
      tile(*chain, tileRowsFor(rows), kTaskNanoseconds);
    else if (target.bf16Parts && rows % kFineRows == 0)
      tile(*chain, kFineRows, kFineNanoseconds);
    else
      tile(*chain, tileRowsFor(rows), kFineNanoseconds);
  }
}

void RegionPlanner::tile(Chain &chain, int64_t tileRows,
                         double taskNanoseconds) {
  chain.rows = tileRows;
  chain.tiles =
      rowsOfChainable(*region.kernels[chain.kernels.front()]) / tileRows;
  for (unsigned index : chain.kernels)
    chain.cost += region.kernels[index]->cost;
  int64_t tasks =
      std::min(tasksFor(chain.cost, chain.tiles, taskNanoseconds), kMostTasks);
  chain.tilesPerTask = (chain.tiles + tasks - 1) / tasks;
  shrinkToTiles(chain);
}

} // namespace phlox::cpu
