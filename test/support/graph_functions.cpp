#include "test/support/graph_functions.h"
#include "compiler/autodiff/Autodiff.h"
#include "mlir/Parser/Parser.h"
#include <cmath>
#include <gtest/gtest.h>
#include <stdexcept>

namespace phlox::test {

mlir::MLIRContext &context() {
  static mlir::MLIRContext *shared = [] {
    auto *made = new mlir::MLIRContext(mlir::MLIRContext::Threading::DISABLED);
    made->loadDialect<PhloxDialect, mlir::func::FuncDialect>();
    return made;
  }();
  return *shared;
}

mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context());
  if (!module)
    throw std::runtime_error("must parse: " + text.str());
  return module;
}

Function functionOf(mlir::ModuleOp module) {
  return *module.getOps<Function>().begin();
}

mlir::OwningOpRef<mlir::ModuleOp> functionOfOp(llvm::StringRef arguments,
                                               llvm::StringRef op) {
  auto module = parse(
      ("func.func @f(" + arguments + ") {\n  " + op + "\n  return\n}").str());
  Function function = functionOf(*module);
  mlir::Operation *last =
      function.getBody().front().getTerminator()->getPrevNode();
  setOutputs(function, SmallVector<Value>(last->getResults()));
  return module;
}

SmallVector<Value> argumentsOf(Function function) {
  return SmallVector<Value>(function.getArguments());
}
SmallVector<Value> outputsOf(Function function) {
  return SmallVector<Value>(
      function.getBody().front().getTerminator()->getOperands());
}

void setOutputs(Function function, ArrayRef<Value> values) {
  mlir::Block &block = function.getBody().front();
  block.getTerminator()->setOperands(values);
  mlir::OpBuilder builder(&context());
  function.setFunctionType(builder.getFunctionType(
      block.getArgumentTypes(), mlir::ValueRange(values).getTypes()));
}

SmallVector<Value> realsOf(ArrayRef<Value> values) {
  return SmallVector<Value>(llvm::make_filter_range(values, [](Value value) {
    return tensorType(value).getElementType().isF32();
  }));
}

namespace {

// a copy of the function, with arguments for derivatives like `like`
Function extended(Function function, bool likeOutputs,
                  SmallVector<Value> &derivatives) {
  Function copy = mlir::cast<Function>(function->clone());
  function->getParentOfType<mlir::ModuleOp>().push_back(copy);
  copy.setName(function.getName().str() + (likeOutputs ? "_vjp" : "_jvp"));
  mlir::Block &block = copy.getBody().front();
  for (Value value : realsOf(likeOutputs ? outputsOf(copy) : argumentsOf(copy)))
    derivatives.push_back(block.addArgument(value.getType(), value.getLoc()));
  return copy;
}

Graph graphAtEnd(Function function) {
  mlir::OpBuilder builder(function.getBody().front().getTerminator());
  return Graph(builder, function.getLoc());
}

SmallVector<Value> filled(Graph &graph, ArrayRef<Value> values,
                          ArrayRef<Value> like) {
  SmallVector<Value> result;
  for (auto [value, model] : llvm::zip_equal(values, like))
    result.push_back(value ? value : graph.zeros(tensorType(model)));
  return result;
}

} // namespace

Function tangentOf(Function function) {
  SmallVector<Value> tangents;
  Function copy = extended(function, false, tangents);
  SmallVector<Value> inputs = realsOf(argumentsOf(copy));
  inputs.truncate(tangents.size());
  SmallVector<Value> outputs = realsOf(outputsOf(copy));
  Graph graph = graphAtEnd(copy);
  setOutputs(copy,
             filled(graph, jvp(graph, outputs, inputs, tangents), outputs));
  return copy;
}

Function cotangentOf(Function function) {
  SmallVector<Value> cotangents;
  SmallVector<Value> inputs = realsOf(argumentsOf(function));
  Function copy = extended(function, true, cotangents);
  size_t count = inputs.size();
  inputs = realsOf(argumentsOf(copy));
  inputs.truncate(count);
  SmallVector<Value> outputs = realsOf(outputsOf(copy));
  Graph graph = graphAtEnd(copy);
  setOutputs(copy,
             filled(graph, vjp(graph, outputs, cotangents, inputs), inputs));
  return copy;
}

Tensors run(Function function, Tensors arguments) {
  auto results = interpret(function, std::move(arguments));
  if (results)
    return std::move(*results);
  ADD_FAILURE() << llvm::toString(results.takeError());
  return {};
}

Tensors normals(ArrayRef<Value> values, Random &random) {
  std::normal_distribution<double> normal;
  Tensors result;
  for (Value value : values) {
    HostTensor &tensor = result.emplace_back(tensorType(value));
    for (double &x : tensor.reals)
      x = normal(random);
  }
  return result;
}

HostTensor real(ArrayRef<int64_t> shape, std::vector<double> elements) {
  HostTensor tensor(
      RankedTensorType::get(shape, mlir::Float32Type::get(&context())));
  EXPECT_EQ(tensor.reals.size(), elements.size());
  tensor.reals = std::move(elements);
  return tensor;
}

HostTensor whole(ArrayRef<int64_t> shape, unsigned bits,
                 std::vector<uint64_t> elements) {
  HostTensor tensor(
      RankedTensorType::get(shape, mlir::IntegerType::get(&context(), bits)));
  EXPECT_EQ(tensor.counts.size(), elements.size());
  tensor.counts = std::move(elements);
  return tensor;
}

double inner(const Tensors &x, const Tensors &y) {
  EXPECT_EQ(x.size(), y.size());
  double sum = 0;
  for (size_t i = 0; i < x.size() && i < y.size(); ++i)
    for (size_t k = 0; k < x[i].reals.size(); ++k)
      sum += x[i].reals[k] * y[i].reals[k];
  return sum;
}

double difference(const Tensors &x, const Tensors &y) {
  EXPECT_EQ(x.size(), y.size());
  double largest = 0, scale = 1e-30;
  for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
    EXPECT_EQ(x[i].type, y[i].type);
    for (size_t k = 0; k < x[i].reals.size(); ++k) {
      double a = x[i].reals[k], b = y[i].reals[k];
      if (!(std::isfinite(a) && std::isfinite(b)))
        return std::numeric_limits<double>::infinity();
      largest = std::max(largest, std::fabs(a - b));
      scale = std::max({scale, std::fabs(a), std::fabs(b)});
    }
  }
  return largest / scale;
}

namespace {

Tensors joined(const Tensors &x, const Tensors &y) {
  Tensors result = x;
  result.insert(result.end(), y.begin(), y.end());
  return result;
}

Tensors onlyReals(Tensors tensors) {
  std::erase_if(tensors, [](const HostTensor &t) { return !t.isReal(); });
  return tensors;
}

// f(x + step direction), f32 results alone
Tensors moved(Function function, Tensors arguments, const Tensors &direction,
              double step) {
  auto along = direction.begin();
  for (HostTensor &argument : arguments) {
    if (!argument.isReal())
      continue;
    for (size_t k = 0; k < argument.reals.size(); ++k)
      argument.reals[k] += step * along->reals[k];
    ++along;
  }
  return onlyReals(run(function, std::move(arguments)));
}

// (8 (f(h) - f(-h)) - (f(2 h) - f(-2 h))) / (12 h): error O(h^4)
Tensors centralDifference(Function function, const Tensors &arguments,
                          const Tensors &direction) {
  constexpr double step = 1e-3;
  Tensors result;
  for (auto [times, weight] : std::initializer_list<std::pair<int, int>>{
           {1, 8}, {-1, -8}, {2, -1}, {-2, 1}}) {
    Tensors values = moved(function, arguments, direction, times * step);
    if (result.empty())
      for (const HostTensor &value : values)
        result.emplace_back(value.type);
    for (size_t i = 0; i < result.size(); ++i)
      for (size_t k = 0; k < result[i].reals.size(); ++k)
        result[i].reals[k] += weight * values[i].reals[k] / (12 * step);
  }
  return result;
}

} // namespace

void checkLaws(Function function, const Tensors &arguments, Random &random,
               int order) {
  SCOPED_TRACE(function.getName().str());
  Function push = tangentOf(function), pull = cotangentOf(function);
  Tensors v = normals(realsOf(argumentsOf(function)), random);
  Tensors u = normals(realsOf(outputsOf(function)), random);
  if (v.empty() || u.empty())
    return;
  Tensors forward = run(push, joined(arguments, v));
  Tensors backward = run(pull, joined(arguments, u));
  EXPECT_LT(difference(forward, centralDifference(function, arguments, v)),
            1e-6);
  double left = inner(u, forward), right = inner(backward, v);
  double scale = std::sqrt(inner(u, u) * inner(forward, forward)) +
                 std::sqrt(inner(backward, backward) * inner(v, v));
  EXPECT_LE(std::fabs(left - right), 1e-10 * scale) << left << " " << right;
  if (order > 1)
    checkLaws(pull, joined(arguments, u), random, order - 1);
}

} // namespace phlox::test
