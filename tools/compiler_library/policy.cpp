#include "tools/compiler_library/policy.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"
#include <fmt/core.h>
#include <map>
#include <stdexcept>

namespace phlox::tools {
namespace {

mlir::OwningOpRef<mlir::ModuleOp> read(std::span<const std::uint8_t> ir,
                                       mlir::MLIRContext *context) {
  if (ir.empty())
    throw std::runtime_error("the artifact must carry its program to be "
                             "exported: it was stripped");
  llvm::StringRef bytes(reinterpret_cast<const char *>(ir.data()), ir.size());
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBuffer(bytes, "program", false), llvm::SMLoc());
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(sources, context);
  if (!module)
    throw std::runtime_error("the artifact's program cannot be read");
  return module;
}

Leaf declare(Program &program, const std::string &name,
             mlir::RankedTensorType type) {
  if (type.getElementType().isF32())
    return program.leaf(name, type.getShape().vec());
  if (type.getElementType().isInteger(64) && type.getRank() == 0)
    return program.counter(name);
  throw std::runtime_error(
      fmt::format("leaf '{}' must hold reals or a counter", name));
}

// the sizes of (obs (1, O), step) -> action (1, A), checked
struct Sizes {
  int64_t obs, action;
};
Sizes sizes_of(mlir::func::FuncOp function, const PolicyRequest &request) {
  Sizes sizes{0, 0};
  auto row = [](mlir::Type type) {
    auto tensor = mlir::cast<mlir::RankedTensorType>(type);
    bool fits = tensor.getRank() == 2 && tensor.getDimSize(0) == 1 &&
                tensor.getElementType().isF32();
    return fits ? tensor.getDimSize(1) : 0;
  };
  for (unsigned i = 0; i < function.getNumArguments(); i++) {
    auto name = function.getArgAttrOfType<mlir::StringAttr>(i, kInputAttr);
    if (name && name.getValue() == "obs")
      sizes.obs = row(function.getArgumentTypes()[i]);
    else if (name && name.getValue() != "step")
      throw std::runtime_error(
          fmt::format("entry point '{}' must take obs and step alone: got '{}'",
                      request.entry, name.getValue().str()));
  }
  if (function.getNumResults() == 1 &&
      function.getResultAttrOfType<mlir::StringAttr>(0, kOutputAttr))
    sizes.action = row(function.getResultTypes()[0]);
  if (sizes.obs < 1 || sizes.action < 1)
    throw std::runtime_error(fmt::format(
        "entry point '{}' must take obs (1, O) and give one action (1, A)",
        request.entry));
  if (request.middle.size() != size_t(sizes.action) ||
      request.reach.size() != size_t(sizes.action))
    throw std::runtime_error(
        fmt::format("the task must have {} actions, as entry point '{}': got "
                    "{}",
                    sizes.action, request.entry, request.middle.size()));
  return sizes;
}

} // namespace

Program cut_policy(std::span<const std::uint8_t> ir,
                   const PolicyRequest &request) {
  Program policy("policy");
  auto module = read(ir, policy.context());
  auto function = module->lookupSymbol<mlir::func::FuncOp>(request.entry);
  if (!function)
    throw std::runtime_error(
        fmt::format("entry point '{}' must be in the program", request.entry));
  const Sizes sizes = sizes_of(function, request);
  std::map<unsigned, Leaf> leaves;
  for (unsigned i = 0; i < function.getNumArguments(); i++)
    if (auto name = function.getArgAttrOfType<mlir::StringAttr>(i, kLeafAttr))
      leaves[i] = declare(
          policy, name.str(),
          mlir::cast<mlir::RankedTensorType>(function.getArgumentTypes()[i]));
  policy.entry("act", [&](Entry &entry) {
    Tensor obs = entry.input("obs", {sizes.obs});
    Tensor step = entry.input("step", {}, Element::count);
    mlir::IRMapping mapping;
    for (unsigned i = 0; i < function.getNumArguments(); i++) {
      auto name = function.getArgAttrOfType<mlir::StringAttr>(i, kInputAttr);
      Tensor value = leaves.contains(i)         ? entry.read(leaves[i])
                     : name.getValue() == "obs" ? reshape(obs, {1, sizes.obs})
                                                : step;
      mapping.map(function.getArgument(i), value.value());
    }
    auto &block = function.getBody().front();
    for (mlir::Operation &op : block.without_terminator())
      entry.trace().builder.clone(op, mapping);
    Tensor action(mapping.lookup(block.getTerminator()->getOperand(0)),
                  &entry.trace());
    Tensor middle = constant(entry.trace(), {sizes.action}, request.middle);
    Tensor reach = constant(entry.trace(), {sizes.action}, request.reach);
    action = reshape(clip(action, -1, 1), {sizes.action});
    entry.output("action", middle + reach * action);
  });
  return policy;
}

} // namespace phlox::tools
