// Runs a program straight from each op's `eval`, in f64: the oracle of tests.
#pragma once
#include "compiler/interpreter/Evaluation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"

namespace phlox {

/// Evaluates a function of one block; a value is freed after its last use.
///
/// Shapes: arguments match the function's -> its results.
/// Errors: the function does not verify; an argument of another type than the
///         function takes; an op without rules.
llvm::Expected<std::vector<HostTensor>>
interpret(mlir::func::FuncOp function, std::vector<HostTensor> arguments);

} // namespace phlox
