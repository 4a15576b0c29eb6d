// The interpreter against closed forms, and its errors.
#include "test/support/graph_functions.h"
#include <chrono>
#include <cmath>
#include <gmock/gmock.h>

namespace phlox::test {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensors runOp(llvm::StringRef arguments, llvm::StringRef op, Tensors inputs) {
  auto module = functionOfOp(arguments, op);
  return run(functionOf(*module), std::move(inputs));
}
std::vector<double> reals(llvm::StringRef arguments, llvm::StringRef op,
                          Tensors inputs) {
  return runOp(arguments, op, std::move(inputs)).at(0).reals;
}

TEST(InterpreterTest, ConstantsStayRoundedToFloat) {
  EXPECT_EQ(reals("", "phlox.constant dense<0.1> : tensor<2xf32>", {}),
            std::vector<double>(2, double(0.1f)));
  auto counts = runOp("", "phlox.constant dense<[-1, 5]> : tensor<2xi32>", {});
  EXPECT_THAT(counts[0].counts, ElementsAre(0xffffffffu, 5));
  counts = runOp("", "phlox.constant dense<true> : tensor<i1>", {});
  EXPECT_THAT(counts[0].counts, ElementsAre(1));
}

TEST(InterpreterTest, RearrangesElements) {
  HostTensor x = real({2, 3}, {0, 1, 2, 3, 4, 5});
  EXPECT_THAT(reals("%x: tensor<2x3xf32>",
                    "phlox.transpose %x, [1, 0] : tensor<2x3xf32> -> "
                    "tensor<3x2xf32>",
                    {x}),
              ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(reals("%x: tensor<2x3xf32>",
                    "phlox.repeat %x, 2 axis = 1 : tensor<2x3xf32> -> "
                    "tensor<2x2x3xf32>",
                    {x}),
              ElementsAre(0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5));
  EXPECT_THAT(reals("%x: tensor<2x3xf32>",
                    "phlox.slice %x, [0, 1], [2, 2] : tensor<2x3xf32> -> "
                    "tensor<2x2xf32>",
                    {x}),
              ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(reals("%x: tensor<2x3xf32>",
                    "phlox.pad %x, [0, 1], [1, 0] : tensor<2x3xf32> -> "
                    "tensor<3x4xf32>",
                    {x}),
              ElementsAre(0, 0, 1, 2, 0, 3, 4, 5, 0, 0, 0, 0));
  EXPECT_THAT(reals("%x: tensor<2x3xf32>, %y: tensor<2x1xf32>",
                    "phlox.concat %x, %y axis = 1 : (tensor<2x3xf32>, "
                    "tensor<2x1xf32>) -> tensor<2x4xf32>",
                    {x, real({2, 1}, {8, 9})}),
              ElementsAre(0, 1, 2, 8, 3, 4, 5, 9));
  EXPECT_THAT(reals("%x: tensor<2x1xf32>",
                    "phlox.broadcast %x, [2, 2, 2] : tensor<2x1xf32> -> "
                    "tensor<2x2x2xf32>",
                    {real({2, 1}, {8, 9})}),
              ElementsAre(8, 8, 9, 9, 8, 8, 9, 9));
}

TEST(InterpreterTest, GathersAndScattersWithClampedIndices) {
  EXPECT_THAT(reals("%x: tensor<3x2xf32>, %i: tensor<3xi32>",
                    "phlox.gather %x, %i : tensor<3x2xf32>, tensor<3xi32> -> "
                    "tensor<3xf32>",
                    {real({3, 2}, {0, 1, 2, 3, 4, 5}),
                     whole({3}, 32, {0, 1, 0xffffffff})}),
              ElementsAre(0, 3, 5));
  EXPECT_THAT(reals("%x: tensor<2xf32>, %i: tensor<2xi32>",
                    "phlox.scatteradd %x, %i, 2 : tensor<2xf32>, "
                    "tensor<2xi32> -> tensor<2x2xf32>",
                    {real({2}, {7, 8}), whole({2}, 32, {0, 9})}),
              ElementsAre(7, 0, 0, 8));
}

TEST(InterpreterTest, ReducesAndHandsNanOn) {
  HostTensor x = real({2, 3}, {1, 5, NAN, 4, 2, 6});
  auto reduce = [&](const std::string &kind) {
    return reals("%x: tensor<2x3xf32>",
                 "phlox.reduce " + kind +
                     ", %x, [1] : tensor<2x3xf32> -> tensor<2xf32>",
                 {x});
  };
  EXPECT_TRUE(std::isnan(reduce("max")[0]));
  EXPECT_TRUE(std::isnan(reduce("min")[0]));
  EXPECT_EQ(reduce("max")[1], 6);
  EXPECT_EQ(reduce("min")[1], 2);
  EXPECT_EQ(reduce("mean")[1], 4);
  EXPECT_EQ(reduce("sum")[1], 12);
}

TEST(InterpreterTest, ArgMaxTakesTheFirstAndNeverNan) {
  auto result = runOp("%x: tensor<4x3xf32>",
                      "phlox.argmax %x axis = 1 : tensor<4x3xf32> -> "
                      "tensor<4xi32>",
                      {real({4, 3}, {1, 3, 3, NAN, 1, 2, NAN, NAN, NAN, NAN,
                                     -kInfinity, -kInfinity})});
  EXPECT_THAT(result[0].counts, ElementsAre(1, 2, 0, 1));
}

TEST(InterpreterTest, SumsUpAlongAnAxis) {
  HostTensor x = real({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(reals("%x: tensor<2x3xf32>",
                    "phlox.cumsum %x axis = 1 : tensor<2x3xf32> -> "
                    "tensor<2x3xf32>",
                    {x}),
              ElementsAre(1, 3, 6, 4, 9, 15));
  EXPECT_THAT(reals("%x: tensor<2x3xf32>",
                    "phlox.cumsum %x axis = 0 reverse true : tensor<2x3xf32> "
                    "-> tensor<2x3xf32>",
                    {x}),
              ElementsAre(5, 7, 9, 4, 5, 6));
}

TEST(InterpreterTest, NormalizesFarFromOverflow) {
  auto weights = reals("%x: tensor<3xf32>",
                       "phlox.softmax %x axis = 0 : tensor<3xf32> -> "
                       "tensor<3xf32>",
                       {real({3}, {1000, 1000, 1000 + std::log(2.0)})});
  EXPECT_THAT(weights, Pointwise(DoubleNear(1e-12),
                                 std::vector<double>{0.25, 0.25, 0.5}));
  auto sum = reals("%x: tensor<2xf32>",
                   "phlox.logsumexp %x axis = 0 : tensor<2xf32> -> tensor<f32>",
                   {real({2}, {-1000, -1000})});
  EXPECT_NEAR(sum[0], -1000 + std::log(2.0), 1e-12);
}

TEST(InterpreterTest, SolvesSmallMatrices) {
  // det = 26; needs a pivot in its first column
  HostTensor x = real({3, 3}, {0, 2, 1, 1, 0, 3, 4, 2, 0});
  auto value = reals("%x: tensor<3x3xf32>",
                     "phlox.logdet %x : tensor<3x3xf32> -> tensor<f32>", {x});
  EXPECT_NEAR(value[0], std::log(26.0), 1e-12);
  auto inverse =
      reals("%x: tensor<3x3xf32>",
            "phlox.inverse %x : tensor<3x3xf32> -> tensor<3x3xf32>", {x});
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      double sum = 0;
      for (int k = 0; k < 3; ++k)
        sum += x.reals[3 * i + k] * inverse[3 * k + j];
      EXPECT_NEAR(sum, i == j, 1e-12);
    }
  auto singular = reals("%x: tensor<2x2xf32>",
                        "phlox.logdet %x : tensor<2x2xf32> -> tensor<f32>",
                        {real({2, 2}, {1, 2, 2, 4})});
  EXPECT_EQ(singular[0], -kInfinity);
}

TEST(InterpreterTest, FactorsPositiveDefiniteMatrices) {
  const char *op = "phlox.cholesky %x : tensor<3x3xf32> -> tensor<3x3xf32>";
  // what stands above the diagonal is not read
  auto factor = reals("%x: tensor<3x3xf32>", op,
                      {real({3, 3}, {4, 99, 99, 2, 10, 99, -6, 3, 14})});
  EXPECT_THAT(factor,
              Pointwise(DoubleNear(1e-12),
                        std::vector<double>{2, 0, 0, 1, 3, 0, -3, 2, 1}));
  // the second pivot is 0, so that the first column stands
  auto singular = reals("%x: tensor<3x3xf32>", op,
                        {real({3, 3}, {4, 0, 0, 2, 1, 0, 2, 1, 5})});
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      EXPECT_EQ(std::isnan(singular[3 * i + j]), j > 0 && i >= j) << i << j;
}

TEST(InterpreterTest, MultipliesMatricesQuickly) {
  auto module = functionOfOp("%x: tensor<512x64xf32>, %y: tensor<64x64xf32>",
                             "phlox.matmul %x, %y : tensor<512x64xf32>, "
                             "tensor<64x64xf32> -> tensor<512x64xf32>");
  Function function = functionOf(*module);
  Random random(1);
  Tensors inputs = normals(argumentsOf(function), random);
  auto start = std::chrono::steady_clock::now();
  Tensors product = run(function, inputs);
  auto spent = std::chrono::steady_clock::now() - start;
  double sum = 0;
  for (int k = 0; k < 64; ++k)
    sum += inputs[0].reals[64 * 7 + k] * inputs[1].reals[64 * k + 5];
  EXPECT_NEAR(product[0].reals[64 * 7 + 5], sum, 1e-12);
  EXPECT_LT(spent, std::chrono::milliseconds(200)); // 2 Mi multiplications
}

std::string errorOf(Function function, Tensors arguments) {
  auto result = interpret(function, std::move(arguments));
  return result ? "" : llvm::toString(result.takeError());
}

TEST(InterpreterErrorsTest, NameWhatWasRequiredAndGot) {
  auto module =
      functionOfOp("%x: tensor<2xf32>", "phlox.exp %x : tensor<2xf32>");
  Function function = functionOf(*module);
  EXPECT_EQ(errorOf(function, {}), "function 'f' must get 1 arguments: got 0");
  EXPECT_EQ(errorOf(function, {real({3}, {1, 2, 3})}),
            "function 'f' must get tensor<2xf32> as argument 0: got "
            "tensor<3xf32>");
  HostTensor shortened = real({2}, {1, 2});
  shortened.reals.pop_back();
  EXPECT_EQ(errorOf(function, {shortened}),
            "function 'f' must get 2 elements as argument 0: got 1");
}

TEST(InterpreterErrorsTest, RefuseOtherFunctions) {
  auto module = parse("func.func private @g(tensor<2xf32>)");
  EXPECT_EQ(errorOf(functionOf(*module), {}),
            "function 'g' must have one block: got 0");
  module = parse(R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
      %y = func.call @f(%x) : (tensor<2xf32>) -> tensor<2xf32>
      return %y : tensor<2xf32>
    })");
  EXPECT_EQ(errorOf(functionOf(*module), {real({2}, {1, 2})}),
            "function 'f' must hold phlox ops alone: got func.call");
}

TEST(InterpreterErrorsTest, ReportAFunctionThatDoesNotVerify) {
  auto module = functionOfOp("%x: tensor<2x3xf32>",
                             "phlox.softmax %x axis = 1 : tensor<2x3xf32> -> "
                             "tensor<2x3xf32>");
  Function function = functionOf(*module);
  auto softmax = *function.getBody().getOps<SoftmaxOp>().begin();
  softmax.setAxis(5);
  EXPECT_THAT(errorOf(function, {real({2, 3}, {1, 2, 3, 4, 5, 6})}),
              HasSubstr("[softmax_c1] axis must be in [0, 2): got 5 for 2x3"));
}

} // namespace
} // namespace phlox::test
