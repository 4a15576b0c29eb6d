// Functions of phlox ops, compiled together and run one by one.
#pragma once
#include "compiler/interpreter/Evaluation.h"
#include "compiler/pipelines/Compile.h"
#include <memory>
#include <string>
#include <vector>

namespace phlox::test {

class CompiledProgram;

/// All functions of a module as entry points of one artifact without leaves.
class CompiledFunctions {
public:
  /// Names arguments and results by number, then compiles.
  CompiledFunctions(mlir::ModuleOp module, const CompileOptions &options);
  ~CompiledFunctions();
  /// Runs one function.
  std::vector<HostTensor> run(const std::string &name,
                              const std::vector<HostTensor> &arguments);

private:
  mlir::ModuleOp module;
  std::unique_ptr<CompiledProgram> compiled;
};

/// Whether this machine runs code for a target: x86-64-v3, x86-64-v4,
/// avx512-bf16 or amx.
bool runsTarget(const std::string &target);

} // namespace phlox::test
