// Orders a region's kernels into steps, and places values that must end up in
// a leaf, an output or a carry.
#include "compiler/codegen/cpu/Planner.h"
#include "compiler/codegen/cpu/Product.h"
#include "compiler/interpreter/Evaluation.h"
#include <algorithm>

namespace phlox::cpu {

Value memoryOf(Plan &plan, Value value) {
  while (auto *op = value.getDefiningOp()) {
    if (mlir::isa<ScanOp>(op) || !loweringOf(plan, op).isAlias)
      break;
    value = op->getOperand(0);
  }
  return value;
}

bool RegionPlanner::reaches(unsigned from, unsigned to) {
  // `after` points backward: walk from `to`
  SmallVector<unsigned> work{to};
  llvm::DenseSet<unsigned> seen;
  while (!work.empty()) {
    unsigned kernel = work.pop_back_val();
    if (kernel == from)
      return true;
    if (seen.insert(kernel).second)
      llvm::append_range(work, region.kernels[kernel]->after);
  }
  return false;
}

// whether an element-wise kernel reads the old value only at the element that
// it is about to write
bool RegionPlanner::readsInPlace(const Kernel &kernel, Value old) {
  SmallVector<std::pair<Value, bool>> work{{kernel.root, true}};
  llvm::DenseSet<std::pair<Value, unsigned>> seen;
  while (!work.empty()) {
    auto [value, inPlace] = work.pop_back_val();
    if (!seen.insert({value, unsigned(inPlace)}).second)
      continue;
    bool placed = plan.places.contains(value) && value != kernel.root;
    if (placed) {
      Value memory = memoryOf(plan, value);
      if (memory == old && (!inPlace || value != old))
        return false;
      continue;
    }
    auto *op = value.getDefiningOp();
    if (!op)
      continue;
    bool pointwise = bool(loweringOf(plan, op).pointwiseBody);
    for (Value operand : op->getOperands())
      work.push_back({operand, inPlace && pointwise});
  }
  return true;
}

bool RegionPlanner::placeDirectly(const Writeback &writeback) {
  auto written = writers.find(writeback.value);
  if (written == writers.end() || written->second.size() != 1)
    return false;
  unsigned index = written->second.front();
  auto &kernel = *region.kernels[index];
  if (kernel.kind == Kernel::Scan || kernel.root != writeback.value)
    return false;
  SmallVector<unsigned> readers;
  if (writeback.old)
    for (auto [i, other] : llvm::enumerate(region.kernels)) {
      bool reads = llvm::any_of(other->reads, [&](Value value) {
        return memoryOf(plan, value) == writeback.old;
      });
      if (!reads)
        continue;
      if (i == index) {
        if (kernel.kind != Kernel::Elementwise ||
            !readsInPlace(kernel, writeback.old))
          return false;
      } else if (reaches(index, i)) {
        return false;
      } else {
        readers.push_back(i);
      }
    }
  bool moves = llvm::any_of(writeback.place.loopStrides,
                            [](int64_t stride) { return stride != 0; });
  auto &place = plan.places[writeback.value];
  if (moves) {
    // a slice of a stack: only if nothing else holds a copy of the place
    for (auto *user : writeback.value.getUsers())
      if (!user->hasTrait<mlir::OpTrait::IsTerminator>() &&
          !loweringOf(plan, user).pointwiseBody)
        return false;
    place = writeback.place;
  } else {
    place.buffer->sameAs = writeback.place.buffer;
  }
  kernel.target = writeback.place;
  kernel.overwrites = writeback.old;
  llvm::append_range(kernel.after, readers);
  claimed.insert(writeback.value);
  return true;
}

void RegionPlanner::schedule(const std::vector<Writeback> &writebacks) {
  auto depend = [&](Kernel &kernel) {
    for (Value value : kernel.reads) {
      auto written = writers.find(memoryOf(plan, value));
      if (written == writers.end())
        continue;
      for (unsigned writer : written->second)
        if (region.kernels[writer].get() != &kernel)
          kernel.after.push_back(writer);
    }
  };
  for (auto &kernel : region.kernels)
    depend(*kernel);

  // an old value that another place takes over is saved first, so that the
  // order of the writes does not matter
  llvm::DenseMap<Value, unsigned> saved;
  llvm::DenseMap<Value, Place> savedPlaces;
  auto copyTo = [&](Value value, const Place &from, const Place &to,
                    std::optional<unsigned> after) {
    auto &kernel = newKernel(Kernel::Elementwise, value);
    kernel.target = to;
    kernel.targetStrides = stridesOf(shapeOf(value));
    kernel.reads.insert(value);
    kernel.source = from;
    depend(kernel);
    if (after)
      kernel.after.push_back(*after);
    return unsigned(region.kernels.size() - 1);
  };
  for (auto &writeback : writebacks) {
    Value memory = memoryOf(plan, writeback.value);
    if (memory == writeback.old || saved.contains(memory))
      continue;
    bool overwritten = llvm::any_of(writebacks, [&](const Writeback &other) {
      return other.old == memory && memoryOf(plan, other.value) != memory;
    });
    if (!overwritten)
      continue;
    Place scratch{
        newBuffer(Storage::Scratch, plan.places[memory].buffer->bytes), 0, {}};
    saved[memory] = copyTo(memory, plan.places[memory], scratch, std::nullopt);
    savedPlaces[memory] = scratch;
  }
  SmallVector<const Writeback *> copies;
  for (auto &writeback : writebacks) {
    if (memoryOf(plan, writeback.value) == writeback.old)
      continue; // unchanged
    if (claimed.contains(writeback.value) || !placeDirectly(writeback))
      copies.push_back(&writeback);
  }
  for (auto *writeback : copies) {
    Value memory = memoryOf(plan, writeback->value);
    auto save = saved.find(memory);
    unsigned index =
        save == saved.end()
            ? copyTo(writeback->value, plan.places[writeback->value],
                     writeback->place, std::nullopt)
            : copyTo(writeback->value, savedPlaces[memory], writeback->place,
                     save->second);
    auto &kernel = *region.kernels[index];
    if (save != saved.end())
      kernel.reads.clear();
    if (!writeback->old)
      continue;
    for (unsigned i = 0; i < index; i++)
      if (llvm::any_of(region.kernels[i]->reads, [&](Value value) {
            return memoryOf(plan, value) == writeback->old;
          }))
        kernel.after.push_back(i);
  }
  for (auto *op : llvm::reverse(aliases))
    plan.places[op->getResult(0)] = plan.places[op->getOperand(0)];

  for (auto &kernel : region.kernels)
    estimate(*kernel);
  formUpdateChains();
  formChains();
  makeSteps();
}

// Levels: the longest path of kernels that must have run. A chain counts as its
// first kernel.
void RegionPlanner::makeSteps() {
  unsigned count = region.kernels.size();
  auto unitOf = [&](unsigned index) {
    auto *chain = region.kernels[index]->chain;
    return chain ? chain->kernels.front() : index;
  };
  SmallVector<unsigned> waiting(count, 0), ready;
  std::vector<llvm::SmallSetVector<unsigned, 4>> next(count);
  for (unsigned i = 0; i < count; i++)
    for (unsigned before : region.kernels[i]->after)
      if (unitOf(before) != unitOf(i) && next[unitOf(before)].insert(unitOf(i)))
        waiting[unitOf(i)]++;
  for (unsigned i = 0; i < count; i++)
    if (unitOf(i) == i && !waiting[i])
      ready.push_back(i);
  int64_t levels = 0;
  while (!ready.empty()) {
    unsigned index = ready.pop_back_val();
    auto &kernel = *region.kernels[index];
    levels = std::max(levels, kernel.level + 1);
    for (unsigned later : next[index]) {
      auto &other = *region.kernels[later];
      other.level = std::max(other.level, kernel.level + 1);
      if (!--waiting[later])
        ready.push_back(later);
    }
  }
  std::vector<Step> parallel(levels);
  std::vector<std::vector<Step>> scans(levels);
  for (unsigned i = 0; i < count; i++) {
    auto &kernel = *region.kernels[i];
    if (kernel.kind == Kernel::Scan)
      scans[kernel.level].push_back({{i}, true});
    else if (unitOf(i) == i)
      parallel[kernel.level].kernels.push_back(i);
  }
  for (int64_t level = 0; level < levels; level++) {
    if (!parallel[level].kernels.empty())
      region.steps.push_back(parallel[level]);
    llvm::append_range(region.steps, scans[level]);
  }
}

// rough, of one core
static double flopsPerNanosecond(const Target &target, mlir::Operation *op) {
  auto matmul = mlir::cast<MatmulOp>(op);
  auto shape = shapeOf(matmul.getResult());
  if (!usesBf16(target, shape[shape.size() - 2],
                shapeOf(matmul.getLhs()).back(), shape.back()))
    return 100;
  return target.amx == Amx::off ? 200 : target.bf16Parts == 1 ? 1000 : 500;
}

void RegionPlanner::estimate(Kernel &kernel) {
  if (kernel.kind == Kernel::Scan)
    return;
  if (kernel.kind == Kernel::Own) {
    kernel.tasks = loweringOf(plan, kernel.anchor).own->tasks;
    kernel.cost = 1000.0 * kernel.tasks;
    return;
  }
  if (kernel.kind == Kernel::Pack) {
    kernel.cost = 0.15 * tensorType(kernel.root).getNumElements();
    return;
  }
  double elements = tensorType(kernel.root).getNumElements(), perElement = 0.1;
  SmallVector<Value> work{kernel.root};
  llvm::DenseSet<Value> seen;
  double flops = 0;
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (!seen.insert(value).second ||
        (value != kernel.root && plan.places.contains(value)))
      continue;
    auto *op = value.getDefiningOp();
    if (!op || (value == kernel.root && kernel.source))
      continue;
    double size = tensorType(value).getNumElements();
    if (auto matmul = mlir::dyn_cast<MatmulOp>(op)) {
      flops += 2.0 * size * shapeOf(matmul.getLhs()).back();
    } else if (mlir::isa<ReduceOp>(op)) {
      elements = tensorType(op->getOperand(0)).getNumElements();
      flops += elements;
    } else if (loweringOf(plan, op).pointwiseBody) {
      perElement += 0.15;
      flops += size;
    } else if (loweringOf(plan, op).indexBody) {
      perElement += 0.8;
    }
    llvm::append_range(work, op->getOperands());
  }
  if (kernel.kind == Kernel::Matmul)
    kernel.cost = flops / flopsPerNanosecond(target, kernel.anchor) +
                  elements * perElement;
  else
    kernel.cost = elements * perElement;
  double times = 1; // flops of a scan's body count once per iteration
  for (auto *block = region.block;
       auto scan = mlir::dyn_cast_or_null<ScanOp>(block->getParentOp());
       block = scan->getBlock())
    times *= scan.getLength();
  kernel.flops = flops;
  kernel.bytes = tensorBytes(tensorType(kernel.root));
  for (Value value : kernel.reads)
    kernel.bytes += tensorBytes(tensorType(value));
  plan.flops += flops * times;
  plan.bytes += kernel.bytes * times;
}

namespace {
using Range = std::pair<int64_t, int64_t>;

void touch(Buffer *buffer, ArrayRef<std::pair<Region *, Range>> path) {
  buffer = buffer->resolve();
  if (buffer->storage != Storage::Scratch)
    return;
  // a use inside a scan holds the whole scan for buffers made outside of it
  for (auto &[region, range] : path)
    if (region == buffer->owner) {
      buffer->firstUse = std::min(buffer->firstUse, range.first);
      buffer->lastUse = std::max(buffer->lastUse, range.second);
    }
}

int64_t lengthInSteps(const Region &region) {
  int64_t steps = 0;
  for (auto &step : region.steps)
    steps += step.isScan
                 ? 2 + lengthInSteps(*region.kernels[step.kernels[0]]->body)
                 : 1;
  return steps;
}

void touchAll(Plan &plan, Kernel &kernel,
              ArrayRef<std::pair<Region *, Range>> here) {
  for (Value value : kernel.reads)
    touch(plan.places[value].buffer, here);
  if (kernel.source)
    touch(kernel.source->buffer, here);
  if (kernel.target.buffer)
    touch(kernel.target.buffer, here);
  if (kernel.packed)
    touch(kernel.packed->buffer, here);
  if (kernel.kind == Kernel::Scan)
    for (Value value : kernel.anchor->getResults())
      touch(plan.places[value].buffer, here);
}

void assign(Plan &plan, Region &region, int64_t &time,
            SmallVector<std::pair<Region *, Range>> path) {
  for (auto &step : region.steps) {
    auto &first = *region.kernels[step.kernels[0]];
    Range range{time, time};
    if (step.isScan)
      range.second = time + 1 + lengthInSteps(*first.body);
    auto here = path;
    here.push_back({&region, range});
    for (unsigned index : step.kernels)
      for (unsigned each : kernelsOf(region, index))
        touchAll(plan, *region.kernels[each], here);
    time++;
    if (step.isScan) {
      assign(plan, *first.body, time, here);
      time++;
    }
  }
}
} // namespace

void assignTimes(Plan &plan) {
  int64_t time = 0;
  assign(plan, *plan.region, time, {});
}

void allocateScratch(Plan &plan) {
  SmallVector<Buffer *> live;
  for (auto &buffer : plan.buffers)
    if (buffer->storage == Storage::Scratch && !buffer->sameAs &&
        buffer->lastUse >= 0) {
      buffer->number = live.size();
      live.push_back(buffer.get());
    }
  // largest first, each at the lowest offset free during its life
  llvm::sort(live, [](Buffer *x, Buffer *y) {
    return std::pair(-x->bytes, x->number) < std::pair(-y->bytes, y->number);
  });
  std::vector<Buffer *> placed;
  for (auto *buffer : live) {
    SmallVector<std::pair<int64_t, int64_t>> taken;
    for (auto *other : placed)
      if (other->firstUse <= buffer->lastUse &&
          buffer->firstUse <= other->lastUse)
        taken.push_back({other->offset, other->offset + other->bytes});
    llvm::sort(taken);
    int64_t offset = 0;
    for (auto [from, to] : taken) {
      if (offset + buffer->bytes <= from)
        break;
      offset = std::max(offset, (to + 63) / 64 * 64);
    }
    buffer->offset = offset;
    placed.push_back(buffer);
    plan.scratchBytes = std::max(plan.scratchBytes, offset + buffer->bytes);
  }
}

} // namespace phlox::cpu
