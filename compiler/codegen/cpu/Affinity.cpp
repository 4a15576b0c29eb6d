// The order of the kernels of a step. Threads take tasks from front to back,
// each from its own part of a step; so a kernel's place among the others
// decides in whose cache its results lie. A kernel goes where most of what it
// reads and overwrites lies (the barycenters of layered graph drawing): what
// another core wrote arrives at a tenth of the speed of one's own cache.
#include "compiler/codegen/cpu/Affinity.h"
#include "llvm/ADT/STLExtras.h"
#include <optional>

namespace phlox::cpu {
namespace {

// the second sweep knows where the first one left each leaf
constexpr int kSweeps = 4;

class Sweep {
public:
  explicit Sweep(Plan &plan) : plan(plan) {}

  void run(Region &region) {
    for (Step &step : region.steps) {
      if (step.isScan)
        run(*region.kernels[step.kernels[0]]->body);
      else
        order(region, step);
    }
  }

private:
  void order(Region &region, Step &step) {
    double total = 1e-3;
    auto costOf = [&](unsigned index) {
      auto &kernel = *region.kernels[index];
      return kernel.chain ? kernel.chain->cost : kernel.cost;
    };
    for (unsigned index : step.kernels)
      total += costOf(index);
    SmallVector<std::tuple<double, size_t, unsigned>> placed;
    double before = 0;
    for (auto [i, index] : llvm::enumerate(step.kernels)) {
      double here = (before + costOf(index) / 2) / total;
      before += costOf(index);
      placed.push_back({wanted(region, index).value_or(here), i, index});
    }
    llvm::sort(placed);
    before = 0;
    for (auto [i, one] : llvm::enumerate(placed)) {
      unsigned first = step.kernels[i] = std::get<2>(one);
      double here = (before + costOf(first) / 2) / total;
      before += costOf(first);
      for (unsigned index : kernelsOf(region, first))
        if (auto *buffer = region.kernels[index]->target.buffer)
          centers[buffer->resolve()] = here;
    }
  }

  // the mean center of all bytes that the kernel, or its chain, touches
  std::optional<double> wanted(const Region &region, unsigned index) {
    double sum = 0, bytes = 0;
    auto add = [&](Buffer *buffer, double size) {
      auto found = centers.find(buffer->resolve());
      if (found == centers.end())
        return;
      sum += size * found->second;
      bytes += size;
    };
    for (unsigned each : kernelsOf(region, index)) {
      auto &kernel = *region.kernels[each];
      for (Value value : kernel.reads)
        add(plan.places[value].buffer, double(tensorBytes(tensorType(value))));
      if (kernel.packed)
        add(kernel.packed->buffer, double(kernel.packed->buffer->bytes));
      if (kernel.target.buffer)
        add(kernel.target.buffer, double(tensorBytes(tensorType(kernel.root))));
    }
    return bytes > 0 ? std::optional(sum / bytes) : std::nullopt;
  }

  Plan &plan;
  llvm::DenseMap<const Buffer *, double> centers; ///< 0: front, 1: back
};
} // namespace

void orderForCaches(Plan &plan) {
  Sweep sweep(plan);
  for (int i = 0; i < kSweeps; i++)
    sweep.run(*plan.region);
}

} // namespace phlox::cpu
