// The plan of one entry point: which values get memory, which kernels compute
// them, in which phases they run.
#pragma once
#include "compiler/codegen/Lowering.h"
#include "compiler/codegen/cpu/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include <memory>

namespace phlox::cpu {

enum class Storage { Input, Output, Leaf, Scratch, Constant };

struct Region;

/// Kernels that hand rows on to each other, run tile of rows by tile of rows so
/// that what they hand on stays in the cache. A task is some tiles.
struct Chain {
  SmallVector<unsigned> kernels; ///< in the order they run
  int64_t rows = 0;              ///< of a tile
  int64_t tiles = 0, tilesPerTask = 1;
  double cost = 0; ///< of all its kernels

  int64_t tasks() const { return (tiles + tilesPerTask - 1) / tilesPerTask; }
};

/// One piece of memory. Input, Output: `number` is the argument's position;
/// Leaf, Scratch: `offset` is in bytes; Constant: `number` counts the plan's
/// constants.
struct Buffer {
  Storage storage = Storage::Scratch;
  int64_t number = 0, offset = 0, bytes = 0;
  Region *owner = nullptr;  ///< where it was made
  Buffer *sameAs = nullptr; ///< the buffer that it was merged into
  int64_t firstUse = INT64_MAX, lastUse = -1; ///< times, for scratch
  const Chain *chain = nullptr; ///< holds one tile per task of this chain
  int64_t tileBytes = 0;        ///< of a tile of the chain

  Buffer *resolve() { return sameAs ? sameAs->resolve() : this; }
};

/// Where a value lies: a buffer, and how far each enclosing scan moves in it.
struct Place {
  Buffer *buffer = nullptr;
  int64_t offset = 0;               ///< bytes
  SmallVector<int64_t> loopStrides; ///< bytes per iteration, outermost first
};

/// A unit of code. Elementwise and Matmul store `root`; Reduce stores its op's
/// result; Own runs its op's loops; Scan repeats a region; Pack stores `root`,
/// the right operand of its product, as tiles of bf16 or panels of f32.
struct Kernel {
  enum Kind { Elementwise, Matmul, Reduce, Own, Scan, Pack } kind = Elementwise;
  Value root;
  mlir::Operation *anchor = nullptr; ///< matmul, reduce, own kernel, scan
  Place target;                      ///< where root is stored
  std::optional<Place> source;       ///< a copy: where root is read from
  std::optional<Place> packed;       ///< a product's right operand, by Pack
  /// Elements between neighbours of root in the target (dense unless it is a
  /// part of a concat).
  SmallVector<int64_t> targetStrides;
  llvm::SmallSetVector<Value, 4> reads; ///< values with a place
  SmallVector<unsigned> after;          ///< kernels that must have run
  int64_t level = 0, tasks = 1;
  double cost = 0;             ///< rough nanoseconds on one core
  double flops = 0, bytes = 0; ///< of one run
  int64_t record = -1;         ///< its number among the kernels of the artifact
  Value overwrites;            ///< the argument whose memory the target is
  Value guard; ///< a scalar; where it is false, nobody reads the result
  Chain *chain = nullptr;       ///< that it belongs to: a task is a tile
  std::unique_ptr<Region> body; ///< of a scan
  std::string name;
};

/// One step of a schedule: kernels that may run at the same time (a chain is
/// listed by its first one), or one scan.
struct Step {
  SmallVector<unsigned> kernels;
  bool isScan = false;
};

/// A value that must end up in a given place; `old` is the argument that the
/// place held before (null for outputs).
struct Writeback {
  Value value, old;
  Place place;
};

/// The kernels of one block: an entry point's or a scan's body.
struct Region {
  mlir::Block *block = nullptr;
  unsigned depth = 0; ///< enclosing scans
  std::vector<std::unique_ptr<Kernel>> kernels;
  std::vector<std::unique_ptr<Chain>> chains;
  std::vector<Step> steps;
  int64_t length = 1;
  bool reverse = false;
};

/// All kernels of the chain that a kernel begins, or the kernel alone.
inline SmallVector<unsigned> kernelsOf(const Region &region, unsigned index) {
  auto *chain = region.kernels[index]->chain;
  return chain ? chain->kernels : SmallVector<unsigned>{index};
}

struct Plan {
  mlir::Operation *function = nullptr;
  std::unique_ptr<Region> region;
  std::vector<std::unique_ptr<Buffer>> buffers;
  llvm::DenseMap<Value, Place> places;
  llvm::DenseMap<mlir::Operation *, std::unique_ptr<Lowering>> lowerings;
  std::vector<mlir::DenseElementsAttr> constants;
  int64_t scratchBytes = 0;
  bool writesState = false;
  double flops = 0, bytes = 0;
};

/// Byte offset of every leaf in the arena, by name.
using LeafOffsets = llvm::StringMap<int64_t>;

/// Plans one entry point. Every op must be lowerable without decomposition
/// (run phlox-decompose before).
std::unique_ptr<Plan> makePlan(mlir::Operation *function,
                               const LeafOffsets &leaves, const Target &target);

/// Gives every scratch buffer an offset; two share bytes only if no step needs
/// both.
void allocateScratch(Plan &plan);

/// Symbol of a plan's n-th constant.
std::string constantName(const Plan &plan, int64_t number);

/// Bytes that an element takes in memory (i1 takes one).
int64_t elementBytes(mlir::Type element);
int64_t tensorBytes(mlir::RankedTensorType type);

} // namespace phlox::cpu
