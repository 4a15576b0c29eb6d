// Functions of phlox ops for tests: parsed from text, differentiated, run by
// the interpreter.
#pragma once
#include "compiler/interpreter/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <random>

namespace phlox::test {

using Function = mlir::func::FuncOp;
using Tensors = std::vector<HostTensor>;
using Random = std::mt19937_64;

/// Returns the context of all tests, with the dialects loaded.
mlir::MLIRContext &context();
/// Parses a module; throws if it does not parse.
mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text);
/// Returns the first function of a module.
Function functionOf(mlir::ModuleOp module);
/// Parses a function of one op, whose results it returns.
mlir::OwningOpRef<mlir::ModuleOp> functionOfOp(llvm::StringRef arguments,
                                               llvm::StringRef op);

SmallVector<Value> argumentsOf(Function function);
SmallVector<Value> outputsOf(Function function);
/// Makes a function return other values of its.
void setOutputs(Function function, ArrayRef<Value> values);
/// Which of the values are f32.
SmallVector<Value> realsOf(ArrayRef<Value> values);

/// Adds f'(x..., v...) = J v to the module: v moves the f32 arguments of f.
Function tangentOf(Function function);
/// Adds f'(x..., u...) = J' u to the module: u weighs the f32 results of f.
Function cotangentOf(Function function);

/// Runs a function; a failed test and no results on an error.
Tensors run(Function function, Tensors arguments);
/// Draws f32 from N(0, 1) for every value.
Tensors normals(ArrayRef<Value> values, Random &random);
/// Makes a tensor of f32.
HostTensor real(ArrayRef<int64_t> shape, std::vector<double> elements);
/// Makes a tensor of integers.
HostTensor whole(ArrayRef<int64_t> shape, unsigned bits,
                 std::vector<uint64_t> elements);
/// Sum over all elements of x y.
double inner(const Tensors &x, const Tensors &y);
/// Largest |x - y| over all f32 elements, relative to the largest |x| or |y|.
double difference(const Tensors &x, const Tensors &y);

/// Checks J v against central differences, <u, J v> = <J' u, v>, and both once
/// more for J' itself.
void checkLaws(Function function, const Tensors &arguments, Random &random,
               int order = 2);

} // namespace phlox::test
