// From a plan to a module of LLVM functions.
#pragma once
#include "compiler/codegen/cpu/Expression.h"
#include "compiler/codegen/cpu/SharedCode.h"

namespace phlox::cpu {

/// A kernel as a reader of a profile sees it.
struct KernelInfo {
  std::string name; ///< "matmul 256x23x256 add mish"
  int64_t step = 0; ///< kernels of one step may run at the same time
  int64_t calls = 1;
  double flops = 0, bytes = 0; ///< of one run
};

/// Emits every kernel, phase and the entry function `phlox_entry_NAME` of a
/// plan into `module`. Kernels with a number report the times of their tasks.
/// Kernels that differ only in their addresses share their code, also with
/// other plans of the module.
void emitPlan(Plan &plan, const Target &target, mlir::ModuleOp module,
              SharedCode &shared);

/// Numbers all kernels of a plan from `first` on; returns what they are, in
/// that order.
std::vector<KernelInfo> numberKernels(Plan &plan, int64_t first);

/// Symbol of the entry function of `name`.
std::string entrySymbol(llvm::StringRef name);

// one per kind of kernel; the function's body so far holds nothing. `addresses`
// are of what the kernel reads and writes (emitAddresses).
void emitElementwise(Plan &plan, Kernel &kernel, KernelBuilder &k,
                     mlir::ValueRange addresses, Value task);
void emitReduce(Plan &plan, Kernel &kernel, KernelBuilder &k,
                mlir::ValueRange addresses, Value task);
void emitMatmul(Plan &plan, Kernel &kernel, KernelBuilder &k,
                const Target &target, mlir::ValueRange addresses, Value task);
void emitPack(Plan &plan, Kernel &kernel, KernelBuilder &k,
              const Target &target, mlir::ValueRange addresses, Value task);

/// Runs `body` for every index of the groups, the first one split over the
/// kernel's tasks and begun at `start` (null: 0).
void emitLoops(KernelBuilder &k, Expression &expression, ArrayRef<Group> groups,
               int64_t tasks, Value task, Value start,
               llvm::function_ref<void()> body);
/// Runs `body` over vectors of a group from `start` (null: 0) on; tasks share
/// the full vectors, the last one adds the tail.
void emitVectors(KernelBuilder &k, Expression &expression, const Group &group,
                 int64_t tasks, Value task, Value start,
                 llvm::function_ref<void(int64_t width)> body);

/// Whether a kernel only copies, and its last two groups change places in
/// memory: the source's neighbours are the rows, the target's the columns.
bool isTransposition(const Kernel &kernel, const KernelBuilder &k,
                     ArrayRef<Group> groups, const std::optional<Copy> &copy,
                     const Strides &target);
/// Turns a tile of n vectors of n lanes, n a power of two, in registers.
void turn(KernelBuilder &k, llvm::SmallVectorImpl<Value> &tile);
/// Copies by tiles; `body` copies a vector of the columns at the indices that
/// are set.
void emitTransposition(KernelBuilder &k, Expression &expression,
                       ArrayRef<Group> groups, int64_t tasks, Value task,
                       const Copy &copy, Value targetBase,
                       const Strides &target,
                       llvm::function_ref<void(int64_t width)> body);

/// How many tasks a kernel is cut into: about `nanoseconds` each.
int64_t tasksFor(double cost, int64_t most, double nanoseconds = 4000);

} // namespace phlox::cpu
