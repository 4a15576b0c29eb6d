// The planner of one block; see Planner.cpp (kernels), Chains.cpp (kernels that
// run row by row together) and Schedule.cpp (order).
#pragma once
#include "compiler/codegen/cpu/Plan.h"
#include "llvm/ADT/SetVector.h"

namespace phlox::cpu {

class RegionPlanner {
public:
  RegionPlanner(Plan &plan, const Target &target, Region &region);
  void run(std::vector<Writeback> writebacks);

private:
  // what the consumers of a value want of it
  struct Use {
    llvm::SmallSetVector<Value, 2> roots; ///< kernels that read it inside
    bool must = false;                    ///< needs memory of its own
    bool view = false; ///< memory, or a rearrangement of memory
    bool plain = true; ///< read element by element, in place
  };
  Use &use(Value value);
  void readBy(Value value, Value root, bool plain);
  void materialise(Value value);
  /// Whether computing an op in every kernel that reads it moves less memory
  /// than writing and reading its result.
  bool isCheaperTwice(mlir::Operation *op);
  void classify(mlir::Operation *op);
  void classifyOperands(mlir::Operation *op, Value root, bool plain);
  Buffer *newBuffer(Storage storage, int64_t bytes);
  Kernel &newKernel(Kernel::Kind kind, Value root);
  void collectReads(Kernel &kernel, Value value, bool isRoot);
  void formKernel(Value root);
  void formScan(ScanOp scan);
  void guard(Kernel &kernel, Value condition);
  /// Adds a kernel for each right operand that products of bf16 share, or whose
  /// product has many rows. See PackProducts.cpp.
  void packProducts();

  // Schedule.cpp
  void schedule(const std::vector<Writeback> &writebacks);
  bool reaches(unsigned from, unsigned to);
  bool readsInPlace(const Kernel &kernel, Value argument);
  bool placeDirectly(const Writeback &writeback);
  void estimate(Kernel &kernel);
  void makeSteps();

  // Chains.cpp
  bool waitsFor(ArrayRef<unsigned> from,
                llvm::function_ref<bool(unsigned)> wanted);
  bool mayJoin(ArrayRef<unsigned> members, unsigned index);
  void shrinkToTiles(Chain &chain);
  void formChains();
  void tile(Chain &chain, int64_t tileRows, double taskNanoseconds);

  // UpdateChains.cpp
  bool mayUpdateWith(ArrayRef<unsigned> members, unsigned index);
  void formUpdateChains();

  Plan &plan;
  const Target &target;
  Region &region;
  llvm::DenseMap<Value, Use> uses;
  llvm::DenseMap<Value, Value> guards;              ///< Guards.h
  llvm::DenseMap<Value, mlir::Operation *> anchors; ///< root -> its matmul
  SmallVector<Value> roots;
  llvm::DenseSet<Value> inlineRoots; ///< roots of element-wise kernels
  SmallVector<mlir::Operation *> aliases;
  llvm::DenseSet<std::pair<Kernel *, Value>> kernelValues;
  llvm::MapVector<Value, SmallVector<unsigned>> writers;
  llvm::DenseSet<Value> claimed; ///< values written straight to a result
};

/// The op's lowering, asked once.
const Lowering &loweringOf(Plan &plan, mlir::Operation *op);
/// Follows reshapes to the value whose memory they show.
Value memoryOf(Plan &plan, Value value);
/// Whether a product's right operand may be a view: of rows, or of columns if
/// all of them are packed. `owners` have memory of their own, beside what has a
/// place already.
bool readsRhsAsItIs(Plan &plan, const Target &target, MatmulOp op,
                    const llvm::DenseSet<Value> &owners);
/// Rows of a kernel that may be part of a chain: a product, or element-wise, of
/// many whole rows; else 0.
int64_t rowsOfChainable(const Kernel &kernel);
/// Whether the kernel reads the memory of `value` only at the rows that it
/// writes, and under the value's own shape.
bool readsByRow(Plan &plan, const Kernel &kernel, Value value);
/// Whether the value is one number in all elements, known now.
bool isSplatConstant(Value value);
/// Numbers all steps in the order they run, and sets the buffers' live ranges.
void assignTimes(Plan &plan);

} // namespace phlox::cpu
