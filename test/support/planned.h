// Plans of a program's entry point f, and whether its compiled code gives the
// interpreter's numbers.
#pragma once
#include "compiler/codegen/cpu/Plan.h"
#include "dsl/program.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "test/support/program_runner.h"
#include <gtest/gtest.h>

namespace phlox::test {

struct Planned {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<cpu::Plan> plan;

  explicit Planned(Program &program)
      : module(mlir::cast<mlir::ModuleOp>(program.module()->clone())) {
    llvm::cantFail(simplify(*module, {}));
    plan = cpu::makePlan(module->lookupSymbol<mlir::func::FuncOp>("f"), {},
                         llvm::cantFail(cpu::lookupTarget("x86-64-v3")));
  }
  /// Kernels per chain.
  std::vector<size_t> lengths() const {
    std::vector<size_t> result;
    for (auto &chain : plan->region->chains)
      result.push_back(chain->kernels.size());
    return result;
  }
};

/// Compiles for both targets, and runs with one thread and with two.
inline void expectSame(Program &program, double bound = 2e-6) {
  auto module = program.module();
  Tensors arguments = test::randomArguments(module, "f", 11, 0.5);
  Tensors expected = test::interpretEntry(module, "f", arguments);
  for (const char *target : {"x86-64-v3", "native"}) {
    CompileOptions options;
    options.target = target;
    Tensors first;
    for (int threads : {1, 2}) {
      test::CompiledProgram compiled(module, options, threads);
      Tensors actual = compiled.run("f", arguments);
      for (auto &[name, tensor] : expected)
        // a mean of what has the mean 0: relative to 0.1 at least
        EXPECT_LE(test::distance(actual.at(name), tensor, 0.1), bound)
            << name << " on " << target;
      if (first.empty())
        first = actual;
      for (auto &[name, tensor] : first)
        EXPECT_EQ(actual.at(name).reals, tensor.reals) << name;
    }
  }
}

} // namespace phlox::test
