// Code that is there already: networks repeat the same few kernels.
#pragma once
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/DenseMap.h"

namespace phlox::cpu {

/// Finds functions of a module with the same code.
class SharedCode {
public:
  /// Returns a function with the same signature, attributes and code that was
  /// handed in before, or else this one.
  mlir::LLVM::LLVMFuncOp find(mlir::LLVM::LLVMFuncOp function);

private:
  llvm::DenseMap<size_t, llvm::SmallVector<mlir::LLVM::LLVMFuncOp, 1>> byHash;
};

} // namespace phlox::cpu
