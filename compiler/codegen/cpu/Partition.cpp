#include "compiler/codegen/cpu/Partition.h"
#include "compiler/codegen/cpu/Object.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

namespace phlox::cpu {
namespace {

using mlir::LLVM::LLVMFuncOp;

// fewest ops of a part: LLVM needs some 20 ms for them, and 1 for a module
constexpr int64_t kPartOps = 1000;
constexpr int64_t kMostParts = 32;

// ops of a function that stands for itself; 0 if it needs another symbol
int64_t sizeAlone(LLVMFuncOp function) {
  int64_t ops = 0;
  auto walked = function.walk([&](mlir::Operation *op) {
    ops++;
    bool refers = false;
    op->getAttrDictionary().walk([&](mlir::SymbolRefAttr) { refers = true; });
    return refers ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
  });
  return walked.wasInterrupted() ? 0 : ops;
}

LLVMFuncOp declare(mlir::OpBuilder &b, LLVMFuncOp function) {
  auto declared = mlir::cast<LLVMFuncOp>(b.cloneWithoutRegions(*function));
  declared.setLinkage(mlir::LLVM::Linkage::External);
  return declared;
}
} // namespace

llvm::SmallVector<mlir::OwningOpRef<mlir::ModuleOp>>
partition(mlir::ModuleOp module, llvm::ArrayRef<std::string> exported,
          llvm::StringRef tag) {
  struct Alone {
    LLVMFuncOp function;
    int64_t ops;
    size_t place;
  };
  std::vector<Alone> alone;
  int64_t total = 0;
  for (auto function : module.getOps<LLVMFuncOp>())
    if (!function.isExternal() &&
        !llvm::is_contained(exported, function.getSymName()))
      if (int64_t ops = sizeAlone(function)) {
        alone.push_back({function, ops, alone.size()});
        total += ops;
      }
  // the largest first, each to the smallest part
  llvm::sort(alone, [](const Alone &x, const Alone &y) {
    return std::pair(-x.ops, x.place) < std::pair(-y.ops, y.place);
  });
  llvm::SmallVector<mlir::OwningOpRef<mlir::ModuleOp>> parts;
  llvm::SmallVector<int64_t> sizes(
      std::clamp<int64_t>(total / kPartOps, 0, kMostParts), 0);
  if (sizes.size() < 2)
    return parts;
  for (size_t i = 0; i < sizes.size(); i++)
    parts.push_back(mlir::ModuleOp::create(module.getLoc()));
  llvm::StringMap<std::string> renamed;
  for (auto [function, ops, place] : alone) {
    auto smallest = llvm::min_element(sizes);
    mlir::ModuleOp part = *parts[smallest - sizes.begin()];
    *smallest += ops;
    std::string made = tagSymbol(function.getSymName(), tag);
    renamed[function.getSymName()] = made;
    function.setSymName(made);
    function.setLinkage(mlir::LLVM::Linkage::External);
    function.setVisibility_(mlir::LLVM::Visibility::Hidden);
    mlir::OpBuilder b(function);
    declare(b, function);
    function->remove();
    part.push_back(function);
  }
  module.walk([&](mlir::LLVM::CallOp call) {
    if (auto callee = call.getCallee())
      if (auto found = renamed.find(*callee); found != renamed.end())
        call.setCallee(found->second);
  });
  return parts;
}

} // namespace phlox::cpu
