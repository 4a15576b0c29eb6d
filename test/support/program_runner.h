// Runs a program compiled and interpreted on the same numbers.
#pragma once
#include "compiler/interpreter/Evaluation.h"
#include "compiler/pipelines/Compile.h"
#include "phlox/runtime.h"
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace phlox::test {

/// Named tensors of a call: leaves by "leaf:NAME", the others by their name.
using Tensors = std::map<std::string, HostTensor>;

/// A compiled program, loaded by the runtime from a file as users load it.
class CompiledProgram {
public:
  explicit CompiledProgram(mlir::ModuleOp program,
                           const CompileOptions &options = {}, int threads = 2);
  ~CompiledProgram();
  CompiledProgram(const CompiledProgram &) = delete;
  CompiledProgram &operator=(const CompiledProgram &) = delete;

  /// Runs one entry point from the given leaves and inputs; returns the leaves
  /// that it may write and the outputs. A leaf that is not given keeps what the
  /// call before left there.
  Tensors run(const std::string &entry, const Tensors &arguments);
  /// Runs an entry point on a state by other means; the buffers are in the
  /// order of the table.
  using Runner = std::function<void(phlox_state *, std::span<phlox_buffer>,
                                    std::span<phlox_buffer>)>;
  Tensors run(const std::string &entry, const Tensors &arguments,
              const Runner &runner);
  /// Raw bytes of the whole state.
  std::string arena() const;
  const phlox_executable_table &table() const;
  phlox_executable *executable() const { return loaded; }
  phlox_pool *threads() const { return pool; }
  const std::string &path() const { return file; }

private:
  mlir::ModuleOp program;
  std::string file;
  phlox_executable *loaded = nullptr;
  phlox_pool *pool = nullptr;
  phlox_state *state = nullptr;
  std::map<std::string, phlox_entry *> entries;
};

/// Runs one entry point by the f64 interpreter; names as above.
Tensors interpretEntry(mlir::ModuleOp program, const std::string &entry,
                       const Tensors &arguments);

/// Makes arguments for an entry point: reals from N(0, scale^2), counts small.
Tensors randomArguments(mlir::ModuleOp program, const std::string &entry,
                        unsigned seed, double scale = 1);

/// Largest |x - y| over the norm of y (its root mean square, at least `floor`).
double distance(const HostTensor &x, const HostTensor &y, double floor = 1e-30);

} // namespace phlox::test
