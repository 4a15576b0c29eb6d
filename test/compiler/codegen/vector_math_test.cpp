// VectorBuilder's functions against f64, over dense sweeps and special values,
// for every target: errors in units of the last place of f32.
#include "test/compiler/codegen/vector_jit.h"
#include <cfloat>
#include <cmath>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <random>

namespace phlox::test {
namespace {

using V = VectorBuilder;
using Values = llvm::ArrayRef<mlir::Value>;
using mlir::Value;
constexpr float kInf = INFINITY, kNan = NAN;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) {
  return std::fmax(x, 0) + std::log1p(std::exp(-std::abs(x)));
}
double tail(double y) { return 0.5 * std::erfc(y * M_SQRT1_2); }
// y with P(Z > y) = p by bisection, from the smaller side
double tailInverse(double p) {
  if (p > 0.5)
    return -tailInverse(1 - p);
  double low = 0, high = 40;
  for (int i = 0; i < 80; ++i) {
    double middle = (low + high) / 2;
    (tail(middle) > p ? low : high) = middle;
  }
  return low;
}
double erfinv(double x) {
  if (std::abs(x) > 0.5)
    return std::copysign(M_SQRT1_2, x) * tailInverse((1 - std::abs(x)) / 2);
  double y = x;
  for (int i = 0; i < 6; ++i) // Newton, as 1 - |x| would lose a small x
    y += (x - std::erf(y)) * std::exp(y * y) / M_2_SQRTPI;
  return y;
}
double quantile(double u) {
  return u < 0.5 ? -tailInverse(u) : tailInverse(1 - u);
}
double mish(double x) { return x * std::tanh(softplus(x)); }
double mish1(double x) {
  double t = std::tanh(softplus(x)), s = sigmoid(x);
  return t + x * (1 - t * t) * s;
}
double mish2(double x) {
  double t = std::tanh(softplus(x)), s = sigmoid(x), c = 1 - t * t;
  return 2 * c * s + x * c * s * ((1 - s) - 2 * t * s);
}

/// One function of one variable: what it is, where it is swept, and the error
/// allowed, in ulp of the result or of `floor`, whichever is larger.
struct Row {
  const char *name;
  Value (*emit)(V &, Value);
  double (*oracle)(double);
  std::vector<std::pair<double, double>> ranges;
  double ulps, floor;
  std::vector<std::pair<float, float>> known; // argument, value
};

#define FUNCTION(F) #F, [](V &v, Value x) { return v.F(x); }
#define ORDER(K) "mish" #K, [](V &v, Value x) { return v.mish(x, K); }
const Row kRows[] = {
    {FUNCTION(exp),
     std::exp,
     {{-86.9, 88.722}},
     1.25,
     0,
     {{0, 1},
      {-0.f, 1},
      {1e-40f, 1},
      {-88, 0},
      {-kInf, 0},
      {-1e30f, 0},
      {88.7228241f, 3.40277258e38f},
      {89, kInf},
      {kInf, kInf},
      {1e30f, kInf}}},
    {FUNCTION(expWithin), std::exp, {{-87.3, 88.3}}, 1.25, 0, {{-88, 0}}},
    {FUNCTION(expm1),
     std::expm1,
     {{-40, 88.7}, {-1, 1}},
     1.75,
     0,
     {{0, 0}, {1e-30f, 1e-30f}, {-kInf, -1}, {-1e30f, -1}, {kInf, kInf}}},
    {FUNCTION(log),
     std::log,
     {{1.2e-38, 3.4e38}, {0.5, 2}},
     2,
     0,
     {{1, 0},
      {0, -kInf},
      {-0.f, -kInf},
      {1e-40f, -kInf},
      {kInf, kInf},
      {-1, kNan},
      {-kInf, kNan}}},
    {FUNCTION(log1p),
     std::log1p,
     {{-0.9999999, 3.4e38}, {-0.9999999, 2}},
     2,
     0,
     {{0, 0},
      {1e-30f, 1e-30f},
      {-1, -kInf},
      {-2, kNan},
      {-kInf, kNan},
      {kInf, kInf}}},
    {FUNCTION(tanh),
     std::tanh,
     {{-12, 12}},
     2.75,
     0,
     {{0, 0},
      {1e-30f, 1e-30f},
      {-kInf, -1},
      {-1e30f, -1},
      {kInf, 1},
      {1e30f, 1}}},
    {FUNCTION(sigmoid),
     sigmoid,
     {{-86, 40}},
     2.5,
     0,
     {{0, 0.5}, {-kInf, 0}, {-1e30f, 0}, {kInf, 1}, {1e30f, 1}}},
    {FUNCTION(softplus),
     softplus,
     {{-86, 100}, {-3, 3}},
     2.25,
     0,
     {{0, 0.693147181f},
      {-kInf, 0},
      {-1e30f, 0},
      {kInf, kInf},
      {1e30f, 1e30f}}},
    {FUNCTION(erf),
     std::erf,
     {{-5, 5}},
     1.25,
     0,
     {{0, 0}, {1e-30f, 1.12837917e-30f}, {-kInf, -1}, {kInf, 1}, {1e30f, 1}}},
    {FUNCTION(erfinv),
     erfinv,
     {{-0.99999994, 0.99999994}},
     6,
     0,
     {{0, 0}, {-1, -kInf}, {1, kInf}, {1.5, kNan}, {-kInf, kNan}}},
    {FUNCTION(sin),
     std::sin,
     {{-1e4, 1e4}, {-7, 7}},
     1.75,
     0,
     {{0, 0}, {kInf, kNan}}},
    {FUNCTION(cos),
     std::cos,
     {{-1e4, 1e4}, {-7, 7}},
     1.75,
     0,
     {{0, 1}, {kInf, kNan}}},
    {ORDER(0),
     mish,
     {{-86, 100}, {-5, 5}},
     4,
     0,
     {{0, 0},
      {-3, -0.1456474613f},
      {-1, -0.3034014614f},
      {0.5, 0.3752452113f},
      {2, 1.9439589595f},
      {-1.19243f, -0.3088434f},
      {9.02f, 9.02f},
      {kInf, kInf},
      {1e38f, 1e38f}}},
    {ORDER(1),
     mish1,
     {{-80, 100}, {-5, 5}},
     2,
     1,
     {{0, 0.6f}, {kInf, 1}, {1e38f, 1}}},
    {ORDER(2), mish2, {{-80, 100}, {-5, 5}}, 2.5, 1, {{0, 0.64f}}},
    {FUNCTION(normalTail), tail, {{0, 12.9}}, 6.5, 0, {{0, 0.5}}},
    {FUNCTION(normalCdf),
     [](double x) { return tail(-x); },
     {{-12.9, 12.9}},
     6.5,
     0,
     {{0, 0.5}, {kInf, 1}}},
    {FUNCTION(quantile),
     quantile,
     {{1e-30, 0.99999994}},
     6,
     0,
     {{0.5, 0}, {0x1p-24f, -5.2947044f}, {1 - 0x1p-24f, 5.2947044f}}},
};

std::vector<VectorBody> bodies() {
  std::vector<VectorBody> list;
  for (const Row &row : kRows)
    list.push_back({row.name, "f", 'f',
                    [&row](V &v, Values x) { return row.emit(v, x[0]); }});
  return list;
}

// evenly over the ranges, and evenly over their binades
std::vector<float> sweep(const Row &row) {
  constexpr int kPoints = 20000;
  std::vector<float> points;
  std::minstd_rand random(1);
  std::uniform_real_distribution<double> uniform;
  for (auto [low, high] : row.ranges) {
    points.push_back(float(low));
    points.push_back(float(high));
    double most = std::log2(std::fmax(std::abs(low), std::abs(high)));
    for (int i = 0; i < kPoints; ++i) {
      points.push_back(float(low + (high - low) * uniform(random)));
      double size = std::exp2(most - (most + 125) * uniform(random));
      for (double x : {size, -size})
        if (x >= low && x <= high)
          points.push_back(float(x));
    }
  }
  return points;
}

double ulp(double y) {
  int exponent;
  std::frexp(std::fmax(std::abs(y), FLT_MIN), &exponent);
  return std::ldexp(1, exponent - 24);
}

class VectorMath : public VectorTest {
protected:
  VectorMath() : VectorTest(bodies()) {}
};

TEST_P(VectorMath, SweepsStayWithinTheirBounds) {
  for (const Row &row : kRows) {
    std::vector<float> x = sweep(row);
    std::vector<float> y = jit.run<float, float>(row.name, {x});
    double worst = 0, at = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      double oracle = row.oracle(x[i]);
      double unit = ulp(std::fmax(std::abs(oracle), row.floor));
      double error = std::abs(y[i] - oracle) / unit;
      if (std::isnan(error) || error > worst)
        worst = std::isnan(error) ? INFINITY : error, at = x[i];
    }
    fmt::print("{:12} {:6.2f} ulp at {:.9g}\n", row.name, worst, at);
    EXPECT_LE(worst, row.ulps) << row.name << " at " << at;
  }
}

TEST_P(VectorMath, KnownValues) {
  for (const Row &row : kRows) {
    std::vector<float> x = {kNan};
    for (auto [argument, value] : row.known)
      x.push_back(argument);
    std::vector<float> y = jit.run<float, float>(row.name, {x});
    EXPECT_TRUE(std::isnan(y[0])) << row.name << "(nan) is " << y[0];
    for (size_t i = 1; i < x.size(); ++i) {
      float value = row.known[i - 1].second;
      if (std::isnan(value))
        EXPECT_TRUE(std::isnan(y[i])) << row.name << '(' << x[i] << ')';
      else if (std::isinf(value) || value == 0)
        EXPECT_EQ(y[i], value) << row.name << '(' << x[i] << ')';
      else
        EXPECT_NEAR(y[i], value, 1.5 * row.ulps * ulp(value))
            << row.name << '(' << x[i] << ')';
    }
  }
}

TEST_P(VectorMath, CallsNoLibrary) {
  EXPECT_THAT(jit.undefinedSymbols, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Targets, VectorMath, allTargets(), targetName);

} // namespace
} // namespace phlox::test
