// Random bits against published values, normal and truncated normal numbers
// against f64 and closed forms.
#include "test/compiler/codegen/vector_jit.h"
#include <cmath>
#include <fmt/format.h>
#include <gmock/gmock.h>

namespace phlox::test {
namespace {

using V = VectorBuilder;
using Values = llvm::ArrayRef<mlir::Value>;
using mlir::Value;

constexpr int32_t kSeedLow = int32_t(0x89abcdef), kSeedHigh = 0x01234567;
constexpr int32_t kStream = int32_t(0xa8efc387); // "train_step/proposal"

// element x[0] of that stream at step 7
Value bitsOf(V &v, Value element) {
  auto [k0, k1] = v.threefry(v.integer(kSeedLow), v.integer(kSeedHigh),
                             v.integer(7), v.integer(0));
  Value counter =
      v.addi(v.shl(v.shr(element, 5), 4), v.andi(element, v.integer(15)));
  auto [y0, y1] = v.threefry(k0, k1, counter, v.integer(kStream));
  Value half = v.andi(element, v.integer(16));
  return v.select(v.comparei(V::Order::ne, half, v.integer(0)), y1, y0);
}
Value uniformOf(V &v, Value bits) {
  Value odd = v.ori(v.shr(bits, 8), v.integer(1));
  return v.mul(v.toReal(odd), v.real(0x1p-24));
}

std::vector<VectorBody> bodies() {
  auto word = [](bool second) {
    return [second](V &v, Values x) {
      auto [y0, y1] = v.threefry(x[0], x[1], x[2], x[3]);
      return second ? y1 : y0;
    };
  };
  return {
      {"word0", "iiii", 'i', word(false)},
      {"word1", "iiii", 'i', word(true)},
      {"bits", "i", 'i', [](V &v, Values x) { return bitsOf(v, x[0]); }},
      {"uniform", "i", 'f',
       [](V &v, Values x) { return uniformOf(v, bitsOf(v, x[0])); }},
      {"normal", "i", 'f',
       [](V &v, Values x) {
         return v.quantile(uniformOf(v, bitsOf(v, x[0])));
       }},
      {"uniform_of_bits", "i", 'f',
       [](V &v, Values x) { return uniformOf(v, x[0]); }},
      {"truncated", "fff", 'f',
       [](V &v, Values x) { return v.truncatedQuantile(x[0], x[1], x[2]); }},
  };
}

class VectorRandom : public VectorTest {
protected:
  VectorRandom() : VectorTest(bodies()) {}
  std::vector<float> truncated(const std::vector<float> &u, float lower,
                               float upper) {
    std::vector<float> a(u.size(), lower), b(u.size(), upper);
    return jit.run<float, float>("truncated", {u, a, b});
  }
};

TEST_P(VectorRandom, ThreefryGivesThePublishedWords) {
  using Words = std::vector<uint32_t>;
  std::vector<Words> operands = {{0, ~0u, 0x13198a2e},
                                 {0, ~0u, 0x03707344},
                                 {0, ~0u, 0x243f6a88},
                                 {0, ~0u, 0x85a308d3}};
  Words first = jit.run<uint32_t, uint32_t>("word0", operands);
  Words second = jit.run<uint32_t, uint32_t>("word1", operands);
  EXPECT_EQ(first, (Words{0x6b200159, 0x1cb996fc, 0xc4923a9c}));
  EXPECT_EQ(second, (Words{0x99ba4efe, 0xbb002be7, 0x483df7a0}));
  // the key of a seed and a step
  operands = {{0x89abcdef}, {0x01234567}, {7}, {0}};
  EXPECT_EQ((jit.run<uint32_t, uint32_t>("word0", operands)),
            Words{0xc8124617});
  EXPECT_EQ((jit.run<uint32_t, uint32_t>("word1", operands)),
            Words{0x2077496e});
}

TEST_P(VectorRandom, AStreamGivesTheKnownNumbers) {
  std::vector<uint32_t> elements = {0, 1, 15, 16, 31, 32, 153599};
  EXPECT_THAT((jit.run<uint32_t, uint32_t>("bits", {elements})),
              testing::ElementsAre(0x58f72195, 0x86435a31, 0x4c9cdfc8,
                                   0x496d2c15, 0x4a09fb30, 0x85d047e5,
                                   0x378178e5));
  std::vector<float> uniform = jit.run<float, uint32_t>("uniform", {elements});
  EXPECT_EQ(uniform[0], 0x1.63dc84p-2f);
  EXPECT_EQ(uniform[1], 0x1.0c86b6p-1f);
  std::vector<float> normal = jit.run<float, uint32_t>("normal", {elements});
  EXPECT_EQ(normal[0], -0x1.916e46p-2f);
  EXPECT_EQ(normal[1], 0x1.f6b13ep-5f);
  // the first uniform number between bounds, to the bit
  std::vector<float> u(4, uniform[0]), lower = {-2, 2.5, 12, -12},
                                       upper = {2, 6, 12.8f, -5.5};
  EXPECT_THAT((jit.run<float, float>("truncated", {u, lower, upper})),
              testing::ElementsAre(-0x1.7e4516p-2f, 0x1.52e8e8p+1f,
                                   0x1.812112p+3f, -0x1.6bbe0ep+2f));
}

TEST_P(VectorRandom, UniformsLieInsideTheUnitInterval) {
  std::vector<float> u =
      jit.run<float, uint32_t>("uniform_of_bits", {{0u, 1u, ~0u, 0x80000000u}});
  EXPECT_THAT(u, testing::ElementsAre(0x1p-24f, 0x1p-24f, 1 - 0x1p-24f,
                                      0.5f + 0x1p-24f));
}

TEST_P(VectorRandom, NormalNumbersHaveNormalMoments) {
  std::vector<uint32_t> elements(1 << 16);
  for (size_t i = 0; i < elements.size(); ++i)
    elements[i] = uint32_t(i);
  double mean = 0, square = 0, fourth = 0;
  for (float z : jit.run<float, uint32_t>("normal", {elements}))
    mean += z, square += z * z, fourth += double(z) * z * z * z;
  double n = double(elements.size());
  // four standard errors
  EXPECT_NEAR(mean / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(square / n, 1, 4 * std::sqrt(2 / n));
  EXPECT_NEAR(fourth / n, 3, 4 * std::sqrt(96 / n));
}

double tail(double y) { return 0.5 * std::erfc(y * M_SQRT1_2); }

// bisection on the smaller of the two tails at the result
double truncatedOracle(double u, double lower, double upper) {
  bool right = lower > 0, left = upper < 0;
  double below = tail(-lower), above = tail(upper);
  double inside = right  ? tail(lower) - above
                  : left ? tail(-upper) - below
                         : 1 - below - above;
  double p = below + inside * u, q = above + inside * (1 - u);
  double low = lower, high = upper;
  for (int i = 0; i < 70; ++i) {
    double middle = (low + high) / 2;
    bool beyond = p < q ? tail(-middle) > p : tail(middle) < q;
    (beyond ? high : low) = middle;
  }
  return low;
}

TEST_P(VectorRandom, TruncatedNumbersAreExactInBothTails) {
  const struct {
    float lower, upper;
    double bound;
  } rows[] = {{-2, 2, 8e-7},        {-1, 1, 8e-7},     {-9.75, .25, 8e-7},
              {-.25, 9.75, 8e-7},   {-5, 5, 8e-7},     {-1, 8, 8e-7},
              {.5, 3, 1e-6},        {2, 2.001f, 1e-6}, {-1e-3f, 1e-3f, 1e-6},
              {2.5, 6, 1e-6},       {4, 8, 3e-6},      {5.25, 9, 3e-6},
              {8, 10, 3e-6},        {-12, -5.5, 3e-6}, {12, 12.8f, 4e-6},
              {-12.8f, 12.8f, 8e-7}};
  std::vector<float> u;
  for (uint32_t i = 0; i < 2000; ++i)
    u.push_back(float(1 + 2 * (i * 4195 % (1 << 23))) * 0x1p-24f);
  for (auto [lower, upper, bound] : rows) {
    std::vector<float> z = truncated(u, lower, upper);
    double worst = 0;
    for (size_t i = 0; i < u.size(); ++i) {
      ASSERT_GE(z[i], lower);
      ASSERT_LE(z[i], upper);
      worst = std::fmax(worst,
                        std::abs(z[i] - truncatedOracle(u[i], lower, upper)));
    }
    fmt::print("({:6.2f}, {:6.3f}): {:.1e}\n", lower, upper, worst);
    EXPECT_LE(worst, bound) << lower << ' ' << upper;
  }
}

TEST_P(VectorRandom, TruncatedNumbersHaveTheMomentsOfTheClosedForm) {
  const struct {
    float lower, upper;
    double mean, variance, median;
  } rows[] = {{-.5, 1, 0.206631218, 0.172773259, 0.188968232},
              {-1, 4, 0.287451725, 0.629124416, 0.200133189},
              {3, 5, 3.282694380, 0.069797566, 3.205093808},
              {6, 7, 6.157210903, 0.022748381, 6.111358216},
              {-8, -7.5, -7.619175650, 0.011238588, -7.587828880}};
  // midpoints of cells of equal mass
  std::vector<float> u;
  constexpr int kCells = 1 << 16;
  for (int i = 0; i < kCells; ++i)
    u.push_back((float(i) + 0.5f) / kCells);
  for (auto [lower, upper, mean, variance, median] : rows) {
    double sum = 0, square = 0;
    for (float z : truncated(u, lower, upper))
      sum += z, square += (z - mean) * (z - mean);
    EXPECT_NEAR(sum / kCells, mean, 4e-6);
    EXPECT_NEAR(square / kCells, variance, 2e-5);
    EXPECT_NEAR(truncated({0.5}, lower, upper)[0], median, 3e-6);
  }
}

TEST_P(VectorRandom, BoundsCountUpTo12Point9StandardDeviations) {
  std::vector<float> u = {0, 0x1p-24f, 0.5, 1 - 0x1p-24f, 1};
  EXPECT_THAT(truncated(u, 13, 15), testing::Each(13));
  EXPECT_THAT(truncated(u, -15, -13), testing::Each(-13));
  EXPECT_THAT(truncated(u, 2, 2), testing::Each(2));
  for (float z : truncated(u, 12.5, 40))
    EXPECT_TRUE(z >= 12.5 && z <= 12.96) << z;
  for (float z : truncated(u, -INFINITY, INFINITY))
    EXPECT_LE(std::abs(z), 12.96);
  EXPECT_TRUE(std::isnan(truncated({NAN}, -1, 1)[0]));
  EXPECT_TRUE(std::isnan(truncated({0.5}, NAN, 1)[0]));
  EXPECT_TRUE(std::isnan(truncated({0.5}, -1, NAN)[0]));
}

INSTANTIATE_TEST_SUITE_P(Targets, VectorRandom, allTargets(), targetName);

} // namespace
} // namespace phlox::test
