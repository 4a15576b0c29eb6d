// Products of bf16, by AVX512-BF16 and by AMX, emulated and real: to the bit
// against the arithmetic written out here and within what rounding to bf16
// allows of f64.
#include "dsl/program.h"
#include "test/support/compiled_functions.h"
#include "test/support/program_runner.h"
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <ostream>

namespace phlox {
namespace {

using test::Tensors;

struct Case {
  int64_t rows, depth, columns;
  bool turnLhs = false, turnRhs = false;

  std::string name() const {
    return "f" + std::to_string(rows) + "x" + std::to_string(depth) + "x" +
           std::to_string(columns) + (turnLhs ? "l" : "") +
           (turnRhs ? "r" : "");
  }
};

const std::map<std::string, std::vector<Case>> kCases = {
    // the smallest: of bf16, of both
    {"edges", {{16, 12, 12}, {17, 17, 17}, {32, 16, 16}, {47, 33, 31}}},
    {"steps", {{33, 31, 49}, {50, 129, 65}, {50, 35, 40, false, true}}},
    {"turned",
     {{40, 70, 63, true}, {34, 97, 16, true, true}, {40, 40, 70, false, true}}},
    // groups of columns; more terms than are packed at a time
    {"deep", {{35, 1000, 100}, {33, 1061, 34}, {34, 2048, 17, true}}}};

float bf16(float x) {
  auto bits = std::bit_cast<uint32_t>(x);
  bits += 0x7fff + (bits >> 16 & 1);
  return std::bit_cast<float>(bits & 0xffff0000);
}

// adds 32 terms as VDPBF16PS does, or a tile's worth of them as TDPBF16PS
float dotByPairs(float sum, const float *x, const float *y) {
  for (int term = 0; term < 32; term += 2)
    sum = std::fma(x[term], y[term], std::fma(x[term + 1], y[term + 1], sum));
  return sum;
}
float dotByTiles(float sum, const float *x, const float *y) {
  float even = 0, odd = 0;
  for (int term = 0; term < 32; term += 2) {
    even = std::fma(x[term], y[term], even);
    odd = std::fma(x[term + 1], y[term + 1], odd);
  }
  return sum + (even + odd);
}

// a row of one operand or a column of the other, as its two parts
struct Terms {
  std::vector<float> high, low;

  void add(float x) {
    high.push_back(bf16(x));
    low.push_back(bf16(x - high.back()));
  }
  void fill() {
    high.resize((high.size() + 31) / 32 * 32);
    low.resize(high.size());
  }
};

float product(const Terms &x, const Terms &y, Amx amx, bool inTwo) {
  float sum = 0;
  auto dot = amx == Amx::off ? dotByPairs : dotByTiles;
  for (size_t i = 0; i < x.high.size(); i += 32) {
    if (inTwo)
      sum = dot(sum, &x.low[i], &y.high[i]);
    sum = dot(sum, &x.high[i], &y.high[i]);
    if (inTwo)
      sum = dot(sum, &x.high[i], &y.low[i]);
  }
  return sum;
}

template <class At>
std::vector<Terms> termsOf(int64_t count, int64_t depth, const At &at) {
  std::vector<Terms> all(count);
  for (int64_t i = 0; i < count; i++) {
    for (int64_t term = 0; term < depth; term++)
      all[i].add(float(at(i, term)));
    all[i].fill();
  }
  return all;
}

struct Mode {
  const char *name, *target, *precision;
  Amx amx;
  CompileOptions options() const {
    CompileOptions made;
    made.target = target;
    made.precision = precision;
    made.amx = amx;
    return made;
  }
  friend void PrintTo(const Mode &mode, std::ostream *out) {
    *out << mode.name;
  }
  bool runsHere() const {
    return amx == Amx::emulated ||
           test::runsTarget(amx == Amx::on ? "amx" : "avx512-bf16");
  }
};
constexpr Mode kModes[] = {
    {"pairs", "x86-64-v4", "bf16", Amx::off},
    {"amx_high", "x86-64-v4", "high", Amx::on},
    {"amx_bf16", "x86-64-v4", "bf16", Amx::on},
    {"tiles_high", "native", "high", Amx::emulated},
    {"tiles_bf16", "native", "bf16", Amx::emulated},
    {"tiles_high_v3", "x86-64-v3", "high", Amx::emulated},
    {"tiles_bf16_v3", "x86-64-v3", "bf16", Amx::emulated}};

class Bf16Products
    : public testing::TestWithParam<std::tuple<Mode, const char *>> {
protected:
  const Mode mode = std::get<0>(GetParam());
  const std::vector<Case> &cases = kCases.at(std::get<1>(GetParam()));
  const bool inTwo = mode.options().precision == "high";

  void SetUp() override {
    if (!mode.runsHere())
      GTEST_SKIP() << "this machine lacks AVX512-BF16 or AMX";
  }
};

Tensor turned(Entry &e, const std::string &name, int64_t rows, int64_t columns,
              bool turn) {
  if (!turn)
    return e.input(name, {rows, columns});
  return transpose(e.input(name, {columns, rows}), {1, 0});
}

TEST_P(Bf16Products, RoundAsTheInstructionsDo) {
  Program program("products");
  for (const Case &one : cases)
    program.entry(one.name(), [&](Entry &e) {
      e.output("y",
               matmul(turned(e, "a", one.rows, one.depth, one.turnLhs),
                      turned(e, "b", one.depth, one.columns, one.turnRhs)));
    });
  test::CompiledProgram compiled(program.module(), mode.options());
  for (const Case &one : cases) {
    if (inTwo && one.rows < 32)
      continue; // f32
    SCOPED_TRACE(one.name());
    Tensors in = test::randomArguments(program.module(), one.name(), 7);
    auto actual = compiled.run(one.name(), in).at("y").reals;
    const auto &a = in.at("a").reals, &b = in.at("b").reals;
    auto left = [&](int64_t i, int64_t term) {
      return a[one.turnLhs ? term * one.rows + i : i * one.depth + term];
    };
    auto right = [&](int64_t j, int64_t term) {
      return b[one.turnRhs ? j * one.depth + term : term * one.columns + j];
    };
    auto x = termsOf(one.rows, one.depth, left),
         y = termsOf(one.columns, one.depth, right);
    double error = 0, norm = 0;
    for (int64_t i = 0; i < one.rows; i++)
      for (int64_t j = 0; j < one.columns; j++) {
        double exact = 0, size = 0;
        for (int64_t term = 0; term < one.depth; term++) {
          double each = left(i, term) * right(j, term);
          exact += each, size += std::abs(each);
        }
        double got = actual[i * one.columns + j];
        ASSERT_EQ(float(got), product(x[i], y[j], mode.amx, inTwo))
            << i << ", " << j;
        // bf16 rounds by 2^-8; two parts leave 2^-16 of each factor and the
        // product of the small ones; f32 sums 2^-24 per term
        double rounding = inTwo ? 3.1 * 0x1p-16 : 2.01 * 0x1p-8;
        double sums = double(one.depth + 64) * (inTwo ? 3 : 1) * 0x1p-24;
        EXPECT_LE(std::abs(got - exact), (rounding + sums) * size);
        error += (got - exact) * (got - exact), norm += exact * exact;
      }
    // f32 would be off by 1e-7, one bf16 by 2e-3
    double relative = std::sqrt(error / norm);
    EXPECT_LE(relative, inTwo ? 1e-5 : 4e-3);
    EXPECT_GE(relative, inTwo ? 1e-6 : 1e-3);
  }
}

// products of many rows, columns or examples, with element-wise ops behind
// them, and a gradient, which sums over rows
void networks(Entry &e) {
  auto layer = [&](const std::string &name, const Tensor &of, int64_t width) {
    Tensor b = e.input(name + "b", {width});
    return mish(matmul(of, e.input(name + "w", {of.extent(1), width})) +
                broadcast(b, {of.extent(0), width}));
  };
  Tensor x = e.input("x", {1120, 37}); // which run by tiles of 80
  e.output("chain", layer("c1", layer("c0", x, 40), 33));
  e.output("wide", layer("w0", e.input("wide x", {70, 40}), 1000));
  e.output("examples",
           matmul(e.input("p", {2, 2, 35, 18}), e.input("q", {2, 2, 18, 50})));
  e.output("gradient", matmul(transpose(x, {1, 0}), e.input("dy", {1120, 40})));
}

class Bf16Networks : public testing::TestWithParam<Mode> {};

TEST_P(Bf16Networks, AgreeWithTheInterpreterForAnyThreads) {
  if (!GetParam().runsHere())
    GTEST_SKIP() << "this machine lacks AVX512-BF16 or AMX";
  Program program("networks");
  program.entry("f", networks);
  auto module = program.module();
  Tensors in = test::randomArguments(module, "f", 3, 0.5);
  Tensors expected = test::interpretEntry(module, "f", in);
  test::CompiledProgram compiled(module, GetParam().options(), 2);
  Tensors two = compiled.run("f", in);
  phlox_entry *alone = nullptr;
  ASSERT_EQ(phlox_entry_create(compiled.executable(), "f", nullptr, &alone),
            nullptr);
  Tensors one =
      compiled.run("f", in, [&](auto *state, auto inputs, auto outputs) {
        ASSERT_EQ(phlox_entry_run(alone, state, inputs.data(), inputs.size(),
                                  outputs.data(), outputs.size()),
                  nullptr);
      });
  phlox_entry_free(alone);
  for (auto &[name, tensor] : expected) {
    EXPECT_EQ(one.at(name).reals, two.at(name).reals) << name;
    // of the root mean square, which single numbers exceed by some
    bool high = GetParam().options().precision == "high";
    EXPECT_LE(test::distance(two.at(name), tensor), high ? 6e-5 : 4e-2) << name;
    EXPECT_GE(test::distance(two.at(name), tensor), high ? 5e-6 : 1e-3) << name;
  }
}

auto nameOf = [](const Mode &mode) { return std::string(mode.name); };

INSTANTIATE_TEST_SUITE_P(All, Bf16Products,
                         testing::Combine(testing::ValuesIn(kModes),
                                          testing::Values("edges", "steps",
                                                          "turned", "deep")),
                         [](const auto &info) {
                           return nameOf(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param);
                         });
INSTANTIATE_TEST_SUITE_P(All, Bf16Networks,
                         testing::Values(kModes[0], kModes[1], kModes[3]),
                         [](const auto &info) { return nameOf(info.param); });

} // namespace
} // namespace phlox
