#include "compiler/autodiff/Autodiff.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

namespace phlox {
namespace {

bool isReal(Value value) {
  auto type = mlir::dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

bool carriesDerivative(mlir::Operation *op) {
  return mlir::isa<Rules>(op) && !op->hasTrait<NotDifferentiable>();
}

// puts a graph's location back when rules have used their op's
class LocationScope {
public:
  explicit LocationScope(Graph &graph) : graph(graph), saved(graph.location) {}
  ~LocationScope() { graph.location = saved; }

private:
  Graph &graph;
  mlir::Location saved;
};

} // namespace

Path::Path(ArrayRef<Value> inputs, ArrayRef<Value> outputs)
    : inputs(inputs.begin(), inputs.end()) {
  // everything the outputs are made from, up to the inputs
  llvm::SetVector<mlir::Operation *> found;
  auto visit = [&](Value value) {
    mlir::Operation *op = value.getDefiningOp();
    if (op && isReal(value) && !this->inputs.contains(value) &&
        carriesDerivative(op))
      found.insert(op);
  };
  for (Value output : outputs)
    visit(output);
  for (size_t i = 0; i < found.size(); ++i)
    for (Value operand : found[i]->getOperands())
      visit(operand);
  SmallVector<mlir::Operation *> order = found.takeVector();
  llvm::sort(order, [](mlir::Operation *a, mlir::Operation *b) {
    return a->isBeforeInBlock(b);
  });
  // of it, what depends on an input
  active = this->inputs;
  for (mlir::Operation *op : order) {
    if (llvm::none_of(op->getOperands(),
                      [&](Value operand) { return active.contains(operand); }))
      continue;
    ops.push_back(op);
    for (Value result : op->getResults())
      if (isReal(result))
        active.insert(result);
  }
}

SmallVector<Value> vjp(Graph &graph, ArrayRef<Value> outputs,
                       ArrayRef<Value> cotangents, ArrayRef<Value> wrt) {
  Path path(wrt, outputs);
  LocationScope scope(graph);
  llvm::DenseMap<Value, Value> found;
  auto add = [&](Value value, Value cotangent) {
    if (cotangent)
      found[value] = graph.accumulate(found.lookup(value), cotangent);
  };
  for (auto [output, cotangent] : llvm::zip(outputs, cotangents))
    if (path.reaches(output))
      add(output, cotangent);
  for (mlir::Operation *op : llvm::reverse(path.ops)) {
    SmallVector<Value> arriving;
    for (Value result : op->getResults())
      arriving.push_back(path.inputs.contains(result) ? Value()
                                                      : found.lookup(result));
    if (llvm::none_of(arriving, [](Value value) { return bool(value); }))
      continue;
    SmallVector<bool> needed;
    for (Value operand : op->getOperands())
      needed.push_back(path.reaches(operand));
    graph.location = op->getLoc();
    SmallVector<Value> leaving =
        mlir::cast<Rules>(op).vjp(graph, arriving, needed);
    for (auto [operand, need, cotangent] :
         llvm::zip(op->getOperands(), needed, leaving))
      if (need)
        add(operand, cotangent);
  }
  SmallVector<Value> results;
  for (Value value : wrt)
    results.push_back(found.lookup(value));
  return results;
}

SmallVector<Value> jvp(Graph &graph, ArrayRef<Value> outputs,
                       ArrayRef<Value> inputs, ArrayRef<Value> tangents) {
  Path path(inputs, outputs);
  llvm::DenseMap<Value, Value> found;
  for (auto [input, tangent] : llvm::zip(inputs, tangents))
    found[input] = graph.accumulate(found.lookup(input), tangent);
  LocationScope scope(graph);
  for (mlir::Operation *op : path.ops) {
    SmallVector<Value> arriving;
    for (Value operand : op->getOperands())
      arriving.push_back(found.lookup(operand));
    if (llvm::none_of(arriving, [](Value value) { return bool(value); }))
      continue;
    graph.location = op->getLoc();
    SmallVector<Value> leaving = mlir::cast<Rules>(op).jvp(graph, arriving);
    for (auto [result, tangent] : llvm::zip(op->getResults(), leaving))
      if (!path.inputs.contains(result))
        found[result] = tangent;
  }
  SmallVector<Value> results;
  for (Value value : outputs)
    results.push_back(found.lookup(value));
  return results;
}

} // namespace phlox
