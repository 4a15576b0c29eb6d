// What the fuzzer allows: bounds that hold for f32 and are tight, and nothing
// demanded where the outcome is open.
#include "test/fuzz/tracked.h"
#include "test/support/graph_functions.h"
#include <cmath>
#include <gtest/gtest.h>
#include <set>

namespace phlox::fuzz {
namespace {

using test::real;

Tracked trackedOf(const std::string &text, std::vector<HostTensor> arguments,
                  const std::string &body = "") {
  auto module = body.empty() ? test::parse(text) : test::parse(body);
  return track(test::functionOf(*module), std::move(arguments), 1)[0];
}

// a function of %x: tensor<Nxf32> whose result %y is `type`
Tracked run(std::vector<double> x, const std::string &ops,
            std::string type = "") {
  std::string in = "tensor<" + std::to_string(x.size()) + "xf32>";
  std::string text = ops;
  for (size_t at; (at = text.find("$")) != std::string::npos;)
    text.replace(at, 1, in);
  if (type.empty())
    type = in;
  return trackedOf("func.func @f(%x: " + in + ") -> " + type + " {\n" + text +
                       "\nreturn %y : " + type + "\n}",
                   {real({int64_t(x.size())}, x)});
}

bool isCertain(const Tracked &value, int64_t i) {
  for (const HostTensor &sample : value.samples)
    if (sample.counts[i] != value.exact.counts[i])
      return false;
  return true;
}

TEST(Tracked, CopiesAreExact) {
  Tracked y = run({1, -2, 3}, "%a = phlox.neg %x : $\n%y = phlox.relu %a : $");
  EXPECT_TRUE(y.isExact());
  EXPECT_EQ(rangeOf(y, 1).value, 2);
  EXPECT_EQ(rangeOf(y, 1).radius, 0);
}

TEST(Tracked, OneRoundingIsAFewUlp) {
  Tracked y = run({0.7, 1e-3, -5}, "%y = phlox.mul %x, %x : $");
  for (int64_t i = 0; i < 3; i++) {
    Range range = rangeOf(y, i);
    EXPECT_GE(range.radius, 0x1p-24 * range.value);
    EXPECT_LE(range.radius, 0x1p-20 * range.value);
  }
}

// also where all samples happen to lie close to the exact value
TEST(Tracked, EveryRoundingOfManyIsAllowedHalfAnUlp) {
  std::vector<double> x;
  for (int i = 0; i < 300'000; i++)
    x.push_back(1 + i * 1e-5);
  Tracked y = run(x, "%y = phlox.mul %x, %x : $");
  int64_t tight = 0;
  for (int64_t i = 0; i < int64_t(x.size()); i++)
    tight += rangeOf(y, i).radius < 0x1p-24 * rangeOf(y, i).value;
  EXPECT_EQ(tight, 0);
}

TEST(Tracked, CancellationIsSeen) {
  Tracked y = run({0.7}, R"(%c = phlox.constant dense<1.0e6> : $
      %a = phlox.add %x, %c : $
      %y = phlox.sub %a, %c : $)");
  EXPECT_NEAR(rangeOf(y, 0).value, 0.7, 1e-9);
  EXPECT_GE(rangeOf(y, 0).radius, 0.03); // half an ulp of 1e6
  EXPECT_LE(rangeOf(y, 0).radius, 1.0);
}

TEST(Tracked, SumsAllowAnyOrderOfTheirTerms) {
  std::vector<double> x;
  for (int i = 0; i < 1000; i++)
    x.push_back(float(std::sin(i * i) + (i % 2 ? 100 : -100)));
  Tracked y = run(x, "%y = phlox.reduce sum, %x, [0] : $ -> tensor<f32>",
                  "tensor<f32>");
  float up = 0, down = 0, positive = 0, negative = 0;
  for (int i = 0; i < 1000; i++) {
    up += float(x[i]);
    down += float(x[999 - i]);
    (x[i] > 0 ? positive : negative) += float(x[i]);
  }
  Range range = rangeOf(y, 0);
  for (float sum : {up, down, positive + negative})
    EXPECT_LE(std::abs(sum - range.value), range.radius);
  EXPECT_LE(range.radius, 1e-4 * 1e5); // of the sum of sizes
}

TEST(Tracked, EqualTermsAreRoundedAlike) {
  // sqrt(0.7) is off by the same in each of 1023 terms, and adding it to a
  // large partial sum is off the same way many times in a row
  std::vector<double> x(1023, double(0.7f));
  Tracked y = run(x, R"(%r = phlox.sqrt %x : $
      %s = phlox.square %r : $
      %d = phlox.sub %s, %x : $
      %y = phlox.reduce sum, %d, [0] : $ -> tensor<f32>)",
                  "tensor<f32>");
  float root = std::sqrt(0.7f), left = root * root - 0.7f;
  EXPECT_LE(std::abs(1023 * left), rangeOf(y, 0).radius);

  for (double term : {0.7, 0.1, 1.0 / 3, 0.9, 0.55}) {
    std::vector<double> equal(1023, double(float(term)));
    Tracked z = run(equal, "%y = phlox.reduce sum, %x, [0] : $ -> tensor<f32>",
                    "tensor<f32>");
    float sum = 0;
    for (double each : equal)
      sum += float(each);
    EXPECT_LE(std::abs(sum - rangeOf(z, 0).value), rangeOf(z, 0).radius);
    EXPECT_LE(rangeOf(z, 0).radius, 1e-3 * 1023);
  }
}

// adding them to a large partial sum is off the same way many times in a row
TEST(Tracked, NeighbouringTermsAreRoundedAlike) {
  std::vector<double> x;
  for (int i = 0; i < 16384; i++)
    x.push_back(float(1 + i * 6e-8));
  Tracked y = run(x, "%y = phlox.reduce sum, %x, [0] : $ -> tensor<f32>",
                  "tensor<f32>");
  float sum = 0;
  for (double term : x)
    sum += float(term);
  Range range = rangeOf(y, 0);
  EXPECT_GE(std::abs(sum - range.value), 500 * 0x1p-23 * range.value);
  EXPECT_LE(std::abs(sum - range.value), range.radius);
  EXPECT_LE(range.radius, 1e-2 * range.value);
}

TEST(Tracked, TiesWithinRoundingAreOpen) {
  // tanh of the first two is equal to the eye of f32; the third pair is not
  const char *ops = R"(%r = phlox.slice %x, [0], [3] : $ -> tensor<3xf32>
      %s = phlox.slice %x, [3], [3] : $ -> tensor<3xf32>
      %t = phlox.tanh %r : tensor<3xf32>
      %u = phlox.tanh %s : tensor<3xf32>
      %y = phlox.compare lt, %t, %u
        : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>)";
  Tracked y = run({0.5, 0.7, 0.5, 0.5 + 1e-9, 0.7, 0.6}, ops, "tensor<3xi1>");
  EXPECT_FALSE(isCertain(y, 0));
  EXPECT_FALSE(isCertain(y, 1));
  EXPECT_TRUE(isCertain(y, 2));
}

TEST(Tracked, OneValueComparedWithItselfIsCertain) {
  Tracked y = run({0.5, 0.7}, R"(%t = phlox.tanh %x : $
      %m = phlox.reduce max, %t, [0] : $ -> tensor<f32>
      %b = phlox.broadcast %m, [2] : tensor<f32> -> $
      %y = phlox.compare eq, %t, %b : ($, $) -> tensor<2xi1>)",
                  "tensor<2xi1>");
  EXPECT_TRUE(isCertain(y, 0));
  EXPECT_TRUE(isCertain(y, 1));
  EXPECT_EQ(y.exact.counts[1], 1u);
}

TEST(Tracked, WholeNumbersAndSignsAreJumps) {
  std::vector<double> x = {0.25, 0.5, 0, -0.4};
  // 4 tanh(atanh(x)) may come out on either side of 1, 2 and 0
  std::string ops = R"(%e = phlox.erfinv %x : $
      %t = phlox.erf %e : $
      %c = phlox.constant dense<4.0> : $
      %p = phlox.mul %t, %c : $
)";
  Tracked floor = run(x, ops + "%y = phlox.floor %p : $");
  EXPECT_GE(rangeOf(floor, 0).radius, 1);
  EXPECT_GE(rangeOf(floor, 1).radius, 1);
  EXPECT_EQ(rangeOf(floor, 3).radius, 0);
  Tracked whole = run(x, ops + "%y = phlox.convert %p : $ -> tensor<4xi32>",
                      "tensor<4xi32>");
  EXPECT_FALSE(isCertain(whole, 0));
  EXPECT_TRUE(isCertain(whole, 3));
}

// whichever side of the kink the samples happen to lie on
TEST(Tracked, KinksWithinRoundingAreOpen) {
  // (x + 1e4) - 1e4 is off by up to 5e-4 per rounding
  std::vector<double> x;
  for (int i = 0; i < 20'000; i++)
    x.push_back(float(-5e-4 * i / 20'000));
  std::string ops = R"(%c = phlox.constant dense<1.0e4> : $
      %a = phlox.add %x, %c : $
      %s = phlox.sub %a, %c : $
)";
  for (const char *last :
       {"%y = phlox.relu %s : $", "%z = phlox.constant dense<0.0> : $\n"
                                  "%y = phlox.max %z, %s : $"}) {
    Tracked y = run(x, ops + last);
    for (size_t i = 0; i < x.size(); i++) {
      float seen = std::max((float(x[i]) + 1e4f) - 1e4f, 0.f);
      ASSERT_LE(std::abs(seen - y.exact.reals[i]), rangeOf(y, i).radius);
      ASSERT_GE(rangeOf(y, i).radius, 1e-4) << x[i];
    }
  }
  EXPECT_EQ(rangeOf(run({-1}, ops + "%y = phlox.relu %s : $"), 0).radius, 0);
}

TEST(Tracked, OneErrorThatDecidesIsReached) {
  auto module = test::parse(R"(
    func.func @f(%x: tensor<100000x1xf32>, %w: tensor<1x1xf32>)
        -> tensor<100000x1xf32> {
      %y = phlox.matmul %x, %w : tensor<100000x1xf32>, tensor<1x1xf32> -> tensor<100000x1xf32>
      return %y : tensor<100000x1xf32>
    })");
  std::vector<double> x;
  for (int i = 0; i < 100'000; i++)
    x.push_back(1 + i * 1e-5);
  auto results = track(test::functionOf(*module),
                       {real({100'000, 1}, x), real({1, 1}, {1})}, 1, 0x1p-8);
  for (int64_t i = 0; i < 100'000; i++)
    ASSERT_GE(rangeOf(results[0], i).radius, 0x1p-8 * x[i]) << i;
}

TEST(Tracked, AnArgMaxAmongEqualsIsOpen) {
  std::string ops = R"(%t = phlox.exp %x : $
      %y = phlox.argmax %t axis = 0 : $ -> tensor<i32>)";
  EXPECT_FALSE(isCertain(run({1, 2, 1, 2 - 1e-9}, ops, "tensor<i32>"), 0));
  EXPECT_TRUE(isCertain(run({1, 2, 1, 1.9}, ops, "tensor<i32>"), 0));
}

// to f32 all are 1, of which it takes the first; to f64 the last is the largest
TEST(Tracked, AnArgMaxAmongManyMayBeTheFirst) {
  std::vector<double> x;
  for (int i = 0; i < 40; i++)
    x.push_back(10 + i * 0.1);
  Tracked y = run(x, R"(%t = phlox.tanh %x : $
      %y = phlox.argmax %t axis = 0 : $ -> tensor<i32>)",
                  "tensor<i32>");
  EXPECT_EQ(y.exact.counts[0], 39u);
  std::set<uint64_t> seen;
  for (const HostTensor &sample : y.samples)
    seen.insert(sample.counts[0]);
  EXPECT_EQ(seen.count(0), 1u);
  EXPECT_EQ(seen.size(), size_t(kSamples));
}

TEST(Tracked, NothingIsAskedBeyondTheEndsOfF32) {
  Tracked y = run({50, 1}, R"(%e = phlox.exp %x : $
      %s = phlox.square %e : $
      %q = phlox.square %s : $
      %r = phlox.log %q : $
      %y = phlox.mul %r, %r : $)");
  EXPECT_FALSE(rangeOf(y, 0).isFinite());
  EXPECT_TRUE(rangeOf(y, 1).isFinite());
}

TEST(Tracked, AScanIsItsSteps) {
  auto module = test::parse(R"(
    func.func @f(%x: tensor<2xf32>, %w: tensor<3x2xf32>)
        -> (tensor<2xf32>, tensor<3x2xf32>) {
      %c, %y = phlox.scan 3 reverse true inits(%x : tensor<2xf32>)
          xs(%w : tensor<3x2xf32>) constants()
          carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
        ^bb0(%carry: tensor<2xf32>, %row: tensor<2xf32>):
          %m = phlox.mul %carry, %row : tensor<2xf32>
          phlox.yield %m, %carry : tensor<2xf32>, tensor<2xf32>
        }
      return %c, %y : tensor<2xf32>, tensor<3x2xf32>
    })");
  auto results =
      track(test::functionOf(*module),
            {real({2}, {1, 2}), real({3, 2}, {3, 5, 7, 11, 2, 4})}, 1);
  EXPECT_NEAR(rangeOf(results[0], 0).value, 3 * 7 * 2, 1e-9);
  EXPECT_NEAR(rangeOf(results[0], 1).value, 2 * 5 * 11 * 4, 1e-9);
  EXPECT_GT(rangeOf(results[0], 1).radius, 0);
  EXPECT_EQ(rangeOf(results[1], 4).value, 1); // the first step's carry
  EXPECT_EQ(rangeOf(results[1], 4).radius, 0);
  EXPECT_NEAR(rangeOf(results[1], 0).value, 14, 1e-9);
}

// equal numbers are rounded to one bf16, so that their errors add up, also
// where samples of them differ
TEST(Tracked, FactorsOfAProductRoundAlike) {
  auto module = test::parse(R"(
    func.func @f(%x: tensor<1x64xf32>, %w: tensor<64x1xf32>) -> tensor<1x1xf32> {
      %e = phlox.exp %x : tensor<1x64xf32>
      %v = phlox.exp %w : tensor<64x1xf32>
      %y = phlox.matmul %e, %v : tensor<1x64xf32>, tensor<64x1xf32> -> tensor<1x1xf32>
      return %y : tensor<1x1xf32>
    })");
  std::vector<double> x(64, 0.3), w(64, 1);
  auto results = track(test::functionOf(*module),
                       {real({1, 64}, x), real({64, 1}, w)}, 1, 0x1p-8);
  Range range = rangeOf(results[0], 0);
  // rounded one by one their errors would be an eighth of it, at most 1.6
  EXPECT_GE(range.radius, 3 * 0x1p-8 * range.value);
  EXPECT_LE(range.radius, 32 * 0x1p-8 * range.value);
}

} // namespace
} // namespace phlox::fuzz
