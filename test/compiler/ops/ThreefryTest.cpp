// Known answers of the generator, of its mapping to elements, and of the ops.
#include "compiler/ops/Threefry.h"
#include "test/support/graph_functions.h"
#include <gtest/gtest.h>

namespace phlox::test {
namespace {

constexpr uint64_t kSeed = 0x0123456789abcdef, kStep = 7;
constexpr const char *kStream = "train_step/proposal";

HostTensor key() {
  WordPair words = stepKey(kSeed, kStep);
  return whole({2}, 32, {words.first, words.second});
}
HostTensor runOp(llvm::StringRef arguments, llvm::StringRef op,
                 Tensors inputs) {
  auto module = functionOfOp(arguments, op);
  return run(functionOf(*module), std::move(inputs)).at(0);
}

TEST(ThreefryTest, AnswersOfThePublication) {
  EXPECT_EQ(threefry({0, 0}, {0, 0}), (WordPair{0x6b200159, 0x99ba4efe}));
  EXPECT_EQ(threefry({~0u, ~0u}, {~0u, ~0u}),
            (WordPair{0x1cb996fc, 0xbb002be7}));
  EXPECT_EQ(threefry({0x13198a2e, 0x03707344}, {0x243f6a88, 0x85a308d3}),
            (WordPair{0xc4923a9c, 0x483df7a0}));
}

TEST(ThreefryTest, StreamsAndKeys) {
  EXPECT_EQ(streamHash(kStream), 0xa8efc387u);
  EXPECT_EQ(streamHash(""), 2166136261u);
  EXPECT_EQ(stepKey(kSeed, kStep), (WordPair{0xc8124617, 0x2077496e}));
  HostTensor drawn = runOp(
      "%s: tensor<i64>, %n: tensor<i64>",
      "phlox.randomkey %s, %n : (tensor<i64>, tensor<i64>) -> tensor<2xi32>",
      {whole({}, 64, {kSeed}), whole({}, 64, {kStep})});
  EXPECT_EQ(drawn.counts, key().counts);
}

TEST(ThreefryTest, BitsOfElements) {
  HostTensor bits = runOp("%k: tensor<2xi32>",
                          "phlox.randombits %k, \"train_step/proposal\", "
                          "[256, 100, 6] : (tensor<2xi32>) -> "
                          "tensor<256x100x6xi32>",
                          {key()});
  EXPECT_EQ(bits.counts[0], 0x58f72195u);
  EXPECT_EQ(bits.counts[1], 0x86435a31u);
  EXPECT_EQ(bits.counts[15], 0x4c9cdfc8u);
  EXPECT_EQ(bits.counts[16], 0x496d2c15u);
  EXPECT_EQ(bits.counts[31], 0x4a09fb30u);
  EXPECT_EQ(bits.counts[32], 0x85d047e5u);
  EXPECT_EQ(bits.counts[153599], 0x378178e5u);
}

TEST(ThreefryTest, UniformIsExactAndSymmetric) {
  HostTensor u = runOp("%k: tensor<2xi32>",
                       "phlox.uniform %k, \"train_step/proposal\", [2] : "
                       "(tensor<2xi32>) -> tensor<2xf32>",
                       {key()});
  EXPECT_EQ(u.reals[0], 0x1.63dc84p-2);
  EXPECT_EQ(u.reals[1], 0x1.0c86b6p-1);
  EXPECT_EQ(uniformOf(0), 0x1p-24);
  EXPECT_EQ(uniformOf(~0u), 1 - 0x1p-24);
}

TEST(ThreefryTest, NormalIsTheQuantileOfUniform) {
  HostTensor z = runOp("%k: tensor<2xi32>",
                       "phlox.normal %k, \"train_step/proposal\", [2] : "
                       "(tensor<2xi32>) -> tensor<2xf32>",
                       {key()});
  // published from f32; exact is the distribution function
  EXPECT_NEAR(z.reals[0], -0.39202222, 1e-7);
  EXPECT_NEAR(z.reals[1], 0.06136381, 1e-7);
  EXPECT_NEAR(std::erfc(-z.reals[0] / std::sqrt(2.0)) / 2, 0x1.63dc84p-2,
              1e-13);
  EXPECT_NEAR(std::erfc(-z.reals[1] / std::sqrt(2.0)) / 2, 0x1.0c86b6p-1,
              1e-13);
}

// the distribution function of what is drawn gives the uniform back
TEST(ThreefryTest, TruncatedNormalKeepsTheTails) {
  const std::vector<double> lower{-1, 4, -9.75, 5.25, -12},
      upper{1, 8, 0.25, 9, -5.5};
  HostTensor z =
      runOp("%k: tensor<2xi32>, %a: tensor<5xf32>, %b: tensor<5xf32>",
            "phlox.truncnormal %k, %a, %b, \"train_step/proposal\" : "
            "(tensor<2xi32>, tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>",
            {key(), real({5}, lower), real({5}, upper)});
  auto above = [](double x) { return std::erfc(x / std::sqrt(2.0)) / 2; };
  uint32_t hash = streamHash(kStream);
  WordPair words = stepKey(kSeed, kStep);
  for (size_t i = 0; i < lower.size(); ++i) {
    double u = uniformOf(drawBits(words, hash, i)), x = z.reals[i];
    EXPECT_GT(x, lower[i]);
    EXPECT_LT(x, upper[i]);
    // measured in the tail on the side of the interval
    double sign = lower[i] + upper[i] > 0 ? 1 : -1;
    double a = above(sign * lower[i]), b = above(sign * upper[i]);
    EXPECT_NEAR((a - above(sign * x)) / (a - b), u, 1e-9);
  }
}

} // namespace
} // namespace phlox::test
