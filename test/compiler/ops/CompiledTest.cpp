// Every op of the registry, compiled for each target, against the f64
// interpreter: alone and amid element-wise ops, with tails of every kind.
#include "compiler/ops/Graph.h"
#include "test/compiler/ops/samples.h"
#include "test/support/compiled_functions.h"
#include "test/support/graph_functions.h"
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <regex>

namespace phlox::test {
namespace {

using testing::Values;

/// Largest error allowed, relative to the largest result (1 at least).
///
/// f32 arithmetic rounds by eps / 2 = 2^-24 per operation. A sum of `terms`
/// products of numbers near 1 is off by eps sqrt(terms) as a random walk, times
/// what its condition makes of that; functions of the vector library promise a
/// few ulp (vector_math_test). The scale below is what the op's formula can
/// make of its rounded inputs at the sampled points.
double tolerance(llvm::StringRef op, mlir::Type element, int64_t terms) {
  if (!element.isF32())
    return 0;
  static const std::map<std::string, double> scales = {
      {"pow", 16},         // rounding of y log x enters the exponent
      {"erfinv", 8},       // steep towards the ends of (-1, 1)
      {"quantile", 8},     // the same
      {"normal", 8},       // quantile of a uniform
      {"truncnormal", 32}, // quantile of a difference of probabilities
      {"truncquantile", 32},
      {"inverse", 32}, // condition of the sampled
                       // matrices
      {"logdet", 8},
      {"cholesky", 8},
      {"scan", 16},
      {"layernorm", 16}, // variance of few numbers in the denominator
  };
  auto found = scales.find(op.str());
  double scale = found == scales.end() ? 4 : found->second;
  return std::ldexp(1, -23) * std::sqrt(double(std::max<int64_t>(terms, 1))) *
         scale;
}

struct Case {
  std::string op, arguments, text, name;
  Fill fill;
};

Fill fillOf(llvm::StringRef op) {
  for (const Sample &sample : allSamples())
    if (sample.op == op)
      return sample.fill;
  return nullptr;
}

std::string sized(std::string text, int64_t n) {
  return std::regex_replace(text, std::regex("N"), std::to_string(n));
}

// shapes whose vectors end anywhere; N is the extent that takes all values
const std::pair<const char *, std::pair<const char *, const char *>> tails[] = {
    {"iota", {"", "phlox.iota axis = 1 : tensor<3xNxf32>"}},
    {"iota", {"", "phlox.iota axis = 0 : tensor<NxNxi32>"}},
    {"reshape",
     {"%x: tensor<3xNx2xf32>", "phlox.reshape %x, [2, N, 3] : "
                               "tensor<3xNx2xf32> -> tensor<2xNx3xf32>"}},
    {"transpose",
     {"%x: tensor<5xNx3xf32>", "phlox.transpose %x, [1, 2, 0] : "
                               "tensor<5xNx3xf32> -> tensor<Nx3x5xf32>"}},
    {"broadcast",
     {"%x: tensor<Nx1xf32>", "phlox.broadcast %x, [3, N, 18] : "
                             "tensor<Nx1xf32> -> tensor<3xNx18xf32>"}},
    {"broadcast",
     {"%x: tensor<1xNxf32>", "phlox.broadcast %x, [9, N] : tensor<1xNxf32> "
                             "-> tensor<9xNxf32>"}},
    {"repeat",
     {"%x: tensor<4xNxf32>", "phlox.repeat %x, 5 axis = 1 : tensor<4xNxf32> "
                             "-> tensor<4x5xNxf32>"}},
    {"stretch",
     {"%x: tensor<4xNxf32>", "phlox.stretch %x, 5 axis = 0 : tensor<4xNxf32> "
                             "-> tensor<20xNxf32>"}},
    {"stretch",
     {"%x: tensor<5xNx3xf32>", "phlox.stretch %x, 4 axis = 1 : "
                               "tensor<5xNx3xf32> -> tensor<5xMx3xf32>"}},
    {"stretch",
     {"%x: tensor<3xNxf32>", "phlox.stretch %x, 4 axis = 1 : tensor<3xNxf32> "
                             "-> tensor<3xMxf32>"}},
    {"slice",
     {"%x: tensor<35x40xf32>", "phlox.slice %x, [1, 3], [4, N] : "
                               "tensor<35x40xf32> -> tensor<4xNxf32>"}},
    {"concat",
     {"%x: tensor<3xNxf32>, %y: tensor<3x2xf32>, %z: tensor<3x18xf32>",
      "phlox.concat %x, %y, %z axis = 1 : (tensor<3xNxf32>, tensor<3x2xf32>, "
      "tensor<3x18xf32>) -> tensor<3xMxf32>"}},
    {"pad",
     {"%x: tensor<3xNxf32>", "phlox.pad %x, [1, 2], [0, 3] : tensor<3xNxf32> "
                             "-> tensor<4xMxf32>"}},
    {"gather",
     {"%x: tensor<6x4xNxf32>, %i: tensor<6xi32>",
      "phlox.gather %x, %i : tensor<6x4xNxf32>, tensor<6xi32> -> "
      "tensor<6xNxf32>"}},
    {"scatteradd",
     {"%x: tensor<6xNxf32>, %i: tensor<6xi32>",
      "phlox.scatteradd %x, %i, 4 : tensor<6xNxf32>, tensor<6xi32> -> "
      "tensor<6x4xNxf32>"}},
    {"matmul",
     {"%x: tensor<NxNxf32>, %y: tensor<NxNxf32>",
      "phlox.matmul %x, %y : tensor<NxNxf32>, tensor<NxNxf32> -> "
      "tensor<NxNxf32>"}},
    {"matmul",
     {"%x: tensor<3xNx17xf32>, %y: tensor<3x17x1xf32>",
      "phlox.matmul %x, %y : tensor<3xNx17xf32>, tensor<3x17x1xf32> -> "
      "tensor<3xNx1xf32>"}},
    {"matmul",
     {"%x: tensor<2x7xNxf32>, %y: tensor<2xNx50xf32>",
      "phlox.matmul %x, %y : tensor<2x7xNxf32>, tensor<2xNx50xf32> -> "
      "tensor<2x7x50xf32>"}},
    {"reduce",
     {"%x: tensor<5xNx3xf32>", "phlox.reduce sum, %x, [1] : "
                               "tensor<5xNx3xf32> -> tensor<5x3xf32>"}},
    {"reduce",
     {"%x: tensor<5xNx33xf32>", "phlox.reduce mean, %x, [0, 2] : "
                                "tensor<5xNx33xf32> -> tensor<Nxf32>"}},
    {"reduce",
     {"%x: tensor<5xNxf32>", "phlox.reduce min, %x, [1] : tensor<5xNxf32> -> "
                             "tensor<5xf32>"}},
    {"argmax",
     {"%x: tensor<5xNxf32>", "phlox.argmax %x axis = 0 : tensor<5xNxf32> -> "
                             "tensor<Nxi32>"}},
    {"argmax",
     {"%x: tensor<5xNxf32>", "phlox.argmax %x axis = 1 : tensor<5xNxf32> -> "
                             "tensor<5xi32>"}},
    {"cumsum",
     {"%x: tensor<3xNxf32>", "phlox.cumsum %x axis = 1 reverse true : "
                             "tensor<3xNxf32> -> tensor<3xNxf32>"}},
    {"cumsum",
     {"%x: tensor<5xNxf32>", "phlox.cumsum %x axis = 0 : tensor<5xNxf32> -> "
                             "tensor<5xNxf32>"}},
    {"softmax",
     {"%x: tensor<5xNxf32>", "phlox.softmax %x axis = 1 : tensor<5xNxf32> -> "
                             "tensor<5xNxf32>"}},
    {"logsumexp",
     {"%x: tensor<5xNxf32>", "phlox.logsumexp %x axis = 0 : tensor<5xNxf32> "
                             "-> tensor<Nxf32>"}},
    {"logdet",
     {"%x: tensor<Nx3x3xf32>", "phlox.logdet %x : tensor<Nx3x3xf32> -> "
                               "tensor<Nxf32>"}},
    {"inverse",
     {"%x: tensor<Nx4x4xf32>", "phlox.inverse %x : tensor<Nx4x4xf32> -> "
                               "tensor<Nx4x4xf32>"}},
    {"cholesky",
     {"%x: tensor<Nx4x4xf32>", "phlox.cholesky %x : tensor<Nx4x4xf32> -> "
                               "tensor<Nx4x4xf32>"}},
    {"randombits",
     {"%k: tensor<2xi32>", "phlox.randombits %k, \"a\", [3, N] : "
                           "(tensor<2xi32>) -> tensor<3xNxi32>"}},
    {"uniform",
     {"%k: tensor<2xi32>", "phlox.uniform %k, \"a\", [3, N] : (tensor<2xi32>) "
                           "-> tensor<3xNxf32>"}},
    {"normal",
     {"%k: tensor<2xi32>", "phlox.normal %k, \"a\", [N] : (tensor<2xi32>) -> "
                           "tensor<Nxf32>"}},
};

// samples as they are, element-wise ones and the table above with tails
std::vector<Case> allCases() {
  std::vector<Case> cases;
  auto add = [&](std::string op, std::string arguments, std::string text,
                 Fill fill) {
    std::string name = op + "_" + std::to_string(cases.size());
    cases.push_back({op, arguments, text, name, fill});
  };
  for (const Sample &sample : allSamples())
    add(sample.op, sample.arguments, sample.text, sample.fill);
  const std::regex shape("tensor<[0-9x]*x(f32|i1|i32|i64)>");
  for (const Sample &sample : pointwiseSamples())
    for (const char *like : {"tensor<1x$1>", "tensor<33x$1>"})
      add(sample.op, std::regex_replace(sample.arguments, shape, like),
          std::regex_replace(sample.text, shape, like), sample.fill);
  for (auto &[op, texts] : tails)
    for (int64_t n : {1, 7, 16, 17, 33}) {
      std::string arguments = sized(texts.first, n),
                  text = sized(texts.second, n);
      llvm::StringRef name(op);
      int64_t longer = name == "stretch" ? 4 * n : n + (name == "pad" ? 5 : 20);
      text = std::regex_replace(text, std::regex("M"), std::to_string(longer));
      add(op, arguments, text, fillOf(op));
    }
  return cases;
}

// one module of all cases; `amid`: real operands are sums and real results are
// used twice, so that the op must join kernels
mlir::OwningOpRef<mlir::ModuleOp> moduleOf(ArrayRef<Case> cases, bool amid) {
  mlir::OwningOpRef<mlir::ModuleOp> all(
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context())));
  for (const Case &each : cases) {
    auto module = functionOfOp(each.arguments, each.text);
    Function function = functionOf(*module);
    function.setSymName(each.name);
    if (amid) {
      mlir::Block &block = function.getBody().front();
      mlir::OpBuilder before(&block.front());
      Graph g(before, function.getLoc());
      for (Value argument : realsOf(argumentsOf(function))) {
        Value half = g.scale(argument, 0.5), same = g.add(half, half);
        argument.replaceUsesWithIf(same, [&](mlir::OpOperand &use) {
          return use.getOwner() != half.getDefiningOp();
        });
      }
      mlir::OpBuilder after(block.getTerminator());
      Graph h(after, function.getLoc());
      SmallVector<Value> outputs = outputsOf(function);
      for (Value output : realsOf(outputs)) {
        outputs.push_back(h.scale(output, 2));
        outputs.push_back(h.add(h.square(output), output));
      }
      setOutputs(function, outputs);
    }
    function->remove();
    all->push_back(function);
  }
  return all;
}

class CompiledOps
    : public testing::TestWithParam<std::tuple<const char *, bool>> {};

TEST_P(CompiledOps, EqualTheInterpreter) {
  auto [target, amid] = GetParam();
  if (!runsTarget(target))
    GTEST_SKIP() << "this machine lacks " << target;
  std::vector<Case> cases = allCases();
  auto module = moduleOf(cases, amid);
  CompileOptions options;
  options.target = target;
  options.embedIr = false;
  CompiledFunctions compiled(*module, options);
  double worst = 0;
  for (const Case &each : cases) {
    Function function = module->lookupSymbol<Function>(each.name);
    Random random(20240501);
    Tensors arguments;
    int64_t terms = 1;
    for (auto [place, value] : llvm::enumerate(argumentsOf(function))) {
      HostTensor &tensor = arguments.emplace_back(tensorType(value));
      each.fill(tensor, unsigned(place), random);
      for (double &x : tensor.reals)
        x = float(x);
      // what arrives has the width of its type
      for (uint64_t &n : tensor.counts)
        if (unsigned bits = tensor.type.getElementTypeBitWidth(); bits < 64)
          n &= (uint64_t(1) << bits) - 1;
      terms = std::max(terms, tensor.size());
    }
    Tensors expected = run(function, arguments);
    Tensors actual = compiled.run(each.name, arguments);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); i++) {
      double bound =
          tolerance(each.op, expected[i].type.getElementType(), terms);
      EXPECT_EQ(actual[i].counts, expected[i].counts)
          << target << " " << each.text;
      double size = 1, error = 0;
      for (size_t n = 0; n < expected[i].reals.size(); n++) {
        size = std::max(size, std::abs(expected[i].reals[n]));
        double off = std::abs(actual[i].reals[n] - expected[i].reals[n]);
        error = std::isnan(off) ? INFINITY : std::max(error, off);
      }
      EXPECT_LE(error / size, bound)
          << target << " result " << i << " of " << each.text;
      if (bound > 0)
        worst = std::max(worst, error / size / bound);
    }
  }
  RecordProperty("worst_share_of_tolerance", std::to_string(worst));
}

INSTANTIATE_TEST_SUITE_P(Targets, CompiledOps,
                         testing::Combine(Values("x86-64-v3", "x86-64-v4"),
                                          testing::Bool()),
                         [](const auto &info) {
                           std::string name = std::get<0>(info.param);
                           return name.substr(name.size() - 2) +
                                  (std::get<1>(info.param) ? "Amid" : "Alone");
                         });

} // namespace
} // namespace phlox::test
