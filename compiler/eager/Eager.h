// The eager form of a program: every op compiled alone by the same code
// generator, to be dispatched one at a time.
#pragma once
#include "compiler/dialect/Phlox.h"
#include "compiler/pipelines/Compile.h"
#include <string>
#include <vector>

namespace phlox {

/// One tensor of an eager program; `bytes` counts its memory.
struct EagerSlot {
  RankedTensorType type;
  int64_t bytes = 0;
};

/// A dispatch, or a loop over a body of them.
struct EagerStep {
  // dispatch: run `entry` of the kernel artifact on slots
  std::string entry;
  std::vector<int> operands, results;

  // loop (entry is empty)
  struct Carry {
    int init, inside, yielded, result;
  };
  struct Slice {
    int stack, inside;
  };
  int64_t length = 0;
  bool reverse = false;
  std::vector<Carry> carries;
  std::vector<Slice> xs, ys;
  std::vector<EagerStep> body;
};

/// One entry point as dispatches. Arguments and results are named as in the
/// module: leaves and inputs, leaves and outputs.
struct EagerEntry {
  struct Named {
    std::string name;
    bool isLeaf;
    int slot;
  };
  std::vector<EagerSlot> slots;
  std::vector<Named> arguments, results;
  std::vector<EagerStep> steps;
};

/// Cuts one entry point into single ops; adds a function for every distinct one
/// to `kernels`. Constants, broadcasts and other views are read by the op that
/// uses them, as in any eager framework.
llvm::Expected<EagerEntry> makeEager(mlir::ModuleOp program,
                                     llvm::StringRef entry,
                                     mlir::ModuleOp kernels);

} // namespace phlox
