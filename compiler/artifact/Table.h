// The table of an artifact (phlox/executable.h) as LLVM constants.
#pragma once
#include "mlir/IR/BuiltinTypes.h"
#include "phlox/executable.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace llvm {
class Module;
}

namespace phlox::artifact {

struct TensorRow {
  std::string name;
  phlox_dtype dtype;
  std::vector<int64_t> dims;
  uint64_t bytes = 0, offset = 0;
};
struct EntryRow {
  std::string name;
  std::vector<TensorRow> inputs, outputs;
  bool writesState = false;
  uint64_t flops = 0, bytes = 0;
};
/// Code for one instruction set; in the order of the table's entries.
struct VariantRow {
  std::string target;
  uint64_t isa = 0;
  std::vector<std::string> symbols;
  std::vector<uint64_t> scratchBytes;
};
struct KernelRow {
  std::string name;
  uint64_t entry = 0, step = 0, calls = 1, flops = 0, bytes = 0;
};
struct Table {
  std::string program, options, compiler, hash;
  uint64_t arenaBytes = 0;
  std::vector<TensorRow> leaves;
  std::vector<EntryRow> entries;
  std::vector<VariantRow> variants; ///< best first
  std::vector<KernelRow> kernels;   ///< of an artifact with records
  std::string ir;                   ///< bytecode, may be empty
};

/// Returns the table's row for a tensor of the dialect.
TensorRow makeRow(llvm::StringRef name, mlir::RankedTensorType type);

/// Adds the table, its query function `symbol` and declarations of the entry
/// functions to a module.
void addTable(llvm::Module &module, const Table &table,
              const std::string &symbol);

/// Returns the C identifier of a program: letters, digits, underscores.
std::string identifier(llvm::StringRef program);

/// Returns the text of the C header that goes with an artifact.
std::string headerText(const Table &table, const std::string &symbol);

} // namespace phlox::artifact
