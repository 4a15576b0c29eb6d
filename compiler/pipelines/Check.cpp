#include "compiler/pipelines/Check.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

namespace phlox {
namespace {

template <class... Args>
llvm::Error refuse(const char *format, Args &&...args) {
  return llvm::createStringError(
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

std::string textOf(mlir::Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

bool hasCode(mlir::Type type) {
  auto tensor = mlir::dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape() || tensor.getNumElements() < 1)
    return false;
  auto element = tensor.getElementType();
  return element.isF32() || element.isSignlessInteger(64) ||
         element.isSignlessInteger(32) || element.isSignlessInteger(1);
}

using Leaves = llvm::StringMap<mlir::Type>;

llvm::Expected<Leaves> readLeaves(mlir::ModuleOp program) {
  auto attrs = program->getAttrOfType<mlir::ArrayAttr>(kLeavesAttr);
  if (!attrs)
    return refuse("a program must carry the attribute phlox.leaves");
  Leaves leaves;
  for (auto attr : attrs) {
    auto leaf = mlir::dyn_cast<mlir::DictionaryAttr>(attr);
    auto name = leaf ? leaf.getAs<mlir::StringAttr>("name") : nullptr;
    auto type = leaf ? leaf.getAs<mlir::TypeAttr>("type") : nullptr;
    if (!name || !type || !mlir::isa<RankedTensorType>(type.getValue()))
      return refuse("phlox.leaves must hold dictionaries of name and type");
    if (!hasCode(type.getValue()))
      return refuse("leaf '{0}' must be a tensor of f32, i64, i32 or i1: got "
                    "{1}",
                    name.getValue(), textOf(type.getValue()));
    if (!leaves.try_emplace(name.getValue(), type.getValue()).second)
      return refuse("leaf '{0}' must be declared once: got two",
                    name.getValue());
  }
  return leaves;
}

/// Checks arguments or results of one entry point.
struct Side {
  mlir::func::FuncOp function;
  const Leaves &leaves;
  const char *kind, *other;
  llvm::StringRef otherAttr;
  llvm::function_ref<mlir::StringAttr(unsigned, llvm::StringRef)> get;
  mlir::TypeRange types;

  llvm::Error check() {
    llvm::StringRef entry = function.getSymName();
    llvm::StringSet<> leavesSeen, othersSeen;
    for (auto [i, type] : llvm::enumerate(types)) {
      if (!hasCode(type))
        return refuse("entry point '{0}': {1} {2} must be a tensor of f32, "
                      "i64, i32 or i1: got {3}",
                      entry, kind, i, textOf(type));
      auto leaf = get(i, kLeafAttr), name = get(i, otherAttr);
      if (bool(leaf) == bool(name))
        return refuse("entry point '{0}': {1} {2} must name a leaf or an {3}",
                      entry, kind, i, other);
      llvm::StringRef text = (leaf ? leaf : name).getValue();
      if (!(leaf ? leavesSeen : othersSeen).insert(text).second)
        return refuse("entry point '{0}' must have one {1} '{2}': got two",
                      entry, kind, text);
      if (!leaf)
        continue;
      auto declared = leaves.find(text);
      if (declared == leaves.end())
        return refuse("entry point '{0}': leaf '{1}' must be in phlox.leaves: "
                      "got none",
                      entry, text);
      if (declared->second != type)
        return refuse("entry point '{0}': leaf '{1}' must be {2} as declared: "
                      "got {3}",
                      entry, text, textOf(declared->second), textOf(type));
    }
    return llvm::Error::success();
  }
};

llvm::Error checkEntry(mlir::func::FuncOp function, const Leaves &leaves) {
  llvm::StringRef entry = function.getSymName();
  if (!function.getBody().hasOneBlock())
    return refuse("entry point '{0}' must have a body of one block", entry);
  auto argument = [&](unsigned i, llvm::StringRef attr) {
    return function.getArgAttrOfType<mlir::StringAttr>(i, attr);
  };
  auto result = [&](unsigned i, llvm::StringRef attr) {
    return function.getResultAttrOfType<mlir::StringAttr>(i, attr);
  };
  if (auto error = Side{function, leaves, "argument", "input", kInputAttr,
                        argument, function.getArgumentTypes()}
                       .check())
    return error;
  if (auto error = Side{function, leaves, "result", "output", kOutputAttr,
                        result, function.getResultTypes()}
                       .check())
    return error;
  llvm::Error error = llvm::Error::success();
  function.getBody().walk([&](mlir::Operation *op) {
    if (mlir::isa<Rules, YieldOp, mlir::func::ReturnOp>(op))
      return mlir::WalkResult::advance();
    llvm::consumeError(std::move(error));
    error = refuse("entry point '{0}' must consist of phlox ops: got {1}",
                   entry, op->getName().getStringRef());
    return mlir::WalkResult::interrupt();
  });
  return error;
}

} // namespace

llvm::Error checkProgram(mlir::ModuleOp program) {
  auto leaves = readLeaves(program);
  if (!leaves)
    return leaves.takeError();
  for (auto &op : *program.getBody()) {
    auto function = mlir::dyn_cast<mlir::func::FuncOp>(op);
    if (!function)
      return refuse("a program must hold functions: got {0}",
                    op.getName().getStringRef());
    if (auto error = checkEntry(function, *leaves))
      return error;
  }
  return llvm::Error::success();
}

} // namespace phlox
