// Algorithms traced small, with noise as inputs, run by the f64 interpreter.
#pragma once
#include "dsl/program.h"
#include "mlir/IR/OwningOpRef.h"
#include "test/support/program_runner.h"

namespace phlox::test {

/// A stored train step: what went in, and what another implementation made of
/// it.
struct StoredStep {
  Tensors arguments; ///< leaves as "leaf:NAME", batch and noise by name
  Tensors expected;  ///< leaves as "leaf:NAME", metrics by name
};
StoredStep read_step(const std::string &path, mlir::MLIRContext *context);
/// Returns the configuration (JSON) of a stored train step.
std::string stored_config(const std::string &path);

/// Returns a program's module with every draw made an input.
mlir::OwningOpRef<mlir::ModuleOp> explicit_noise(const Program &program);

/// Returns the inputs or outputs of an entry point: name to "tensor<2xf32>".
std::map<std::string, std::string> input_types(mlir::ModuleOp module,
                                               const std::string &entry);
std::map<std::string, std::string> output_types(mlir::ModuleOp module,
                                                const std::string &entry);
/// Returns the leaves that an entry point writes.
std::vector<std::string> written_leaves(mlir::ModuleOp module,
                                        const std::string &entry);
/// Returns the number of elements of every leaf.
std::map<std::string, int64_t> leaf_sizes(const Program &program);

/// Makes a tensor of reals.
HostTensor reals(mlir::MLIRContext *context, const Extents &shape,
                 const std::vector<double> &values);

/// Runs `init` from a seed and returns all leaves, as "leaf:NAME".
Tensors initial_state(const Program &program, uint64_t seed);

/// Traces one entry point "f" and returns its outputs by name; inputs that are
/// not given are drawn from N(0, 1), noise stays inside.
Tensors
run_traced(const std::function<void(Entry &)> &body,
           const std::map<std::string, std::vector<double>> &inputs = {});

} // namespace phlox::test
