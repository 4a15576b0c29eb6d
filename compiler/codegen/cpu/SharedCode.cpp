#include "compiler/codegen/cpu/SharedCode.h"

namespace phlox::cpu {
namespace {

using mlir::OperationEquivalence;
constexpr auto kFlags = OperationEquivalence::IgnoreLocations;

// of names, attributes and types; operands are compared later
size_t hashOf(mlir::LLVM::LLVMFuncOp function) {
  llvm::hash_code hash = mlir::hash_value(function.getFunctionType());
  function.getBody().walk([&](mlir::Operation *op) {
    hash = llvm::hash_combine(
        hash, OperationEquivalence::computeHash(
                  op, OperationEquivalence::ignoreHashValue,
                  OperationEquivalence::ignoreHashValue, kFlags));
  });
  return size_t(hash);
}

bool equal(mlir::LLVM::LLVMFuncOp x, mlir::LLVM::LLVMFuncOp y) {
  return x.getFunctionType() == y.getFunctionType() &&
         x.getAllArgAttrs() == y.getAllArgAttrs() &&
         OperationEquivalence::isRegionEquivalentTo(&x.getBody(), &y.getBody(),
                                                    kFlags);
}
} // namespace

mlir::LLVM::LLVMFuncOp SharedCode::find(mlir::LLVM::LLVMFuncOp function) {
  auto &alike = byHash[hashOf(function)];
  for (auto known : alike)
    if (equal(known, function))
      return known;
  alike.push_back(function);
  return function;
}

} // namespace phlox::cpu
