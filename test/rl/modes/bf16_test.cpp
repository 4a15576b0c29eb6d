// Train steps with products of bf16, by AVX512-BF16 and by AMX, emulated and
// real, against the f64 interpreter on equal noise. Layers are wider than
// elsewhere: errors of products with random signs are the smaller, relative to
// a tensor, the more numbers it has.
#include "test/support/compiled_functions.h"
#include "test/support/mode_case.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::test {
namespace {

using testing::IsEmpty;

class Bf16Training : public testing::TestWithParam<const char *> {
protected:
  struct Update {
    Tensors before, actual, expected;
  };
  // train steps of the compiled program, each with what f64 makes of its start
  std::vector<Update> train(const std::string &precision, Amx amx,
                            unsigned updates) {
    ModeCase given(GetParam(), /*explicitNoise=*/true, {128, 128});
    CompileOptions options;
    options.precision = precision;
    options.amx = amx;
    CompiledProgram compiled(*given.module, options);
    Tensors state = given.initialState();
    std::vector<Update> made;
    for (unsigned update = 0; update < updates; update++) {
      Tensors in = given.arguments("train_step", 11 + update, state);
      Tensors actual = compiled.run("train_step", in),
              expected = interpretEntry(*given.module, "train_step", in);
      for (auto &[name, tensor] : actual)
        if (name.starts_with("leaf:"))
          state.at(name) = tensor;
      made.push_back({in, actual, expected});
    }
    return made;
  }
  // largest error of gradients, as first moments
  static double worst(const std::vector<Update> &updates) {
    double largest = 0;
    for (const Update &update : updates)
      for (auto &[name, tensor] : update.expected)
        if (name.ends_with("/adam_m"))
          largest =
              std::max(largest, relativeError(update.actual.at(name), tensor));
    return largest;
  }
  // what bf16 costs, so that a change of it is seen: mish 0.4 % of a gradient,
  // the kinks of relu (SAC) 3 %
  static void expectPercents(const std::vector<Update> &updates) {
    EXPECT_LE(worst(updates), GetParam() == std::string("sac") ? 5e-2 : 8e-3);
    EXPECT_GE(worst(updates), 1e-3);
    for (const Update &update : updates)
      for (auto &[name, tensor] : update.expected)
        if (name.ends_with("_loss"))
          EXPECT_LE(relativeError(update.actual.at(name), tensor, 0.1), 1e-2)
              << name;
  }
  static void expectHigh(const std::vector<Update> &updates) {
    const StepComparison within{kCaseRate, kCaseEmaRate};
    for (const Update &update : updates) {
      EXPECT_THAT(within.compare(update.actual, update.expected), IsEmpty());
      EXPECT_THAT(within.checkAdam(update.before, update.actual), IsEmpty());
    }
    // f32 is nearer: 2e-6 at most
    EXPECT_GE(worst(updates), 3e-6);
  }
};

TEST_P(Bf16Training, HighStaysWithinAHundredThousandth) {
  expectHigh(train("high", Amx::emulated, 4));
}

TEST_P(Bf16Training, HighByAmxStaysWithinAHundredThousandth) {
  if (!runsTarget("amx"))
    GTEST_SKIP() << "this machine lacks AMX";
  expectHigh(train("high", Amx::on, 4));
}

TEST_P(Bf16Training, AmxStaysWithinPercents) {
  if (!runsTarget("amx"))
    GTEST_SKIP() << "this machine lacks AMX";
  expectPercents(train("bf16", Amx::on, 4));
}

TEST_P(Bf16Training, TilesStayWithinPercents) {
  expectPercents(train("bf16", Amx::emulated, 4));
}

TEST_P(Bf16Training, PairsStayWithinPercents) {
  if (!runsTarget("avx512-bf16"))
    GTEST_SKIP() << "this machine lacks AVX512-BF16";
  expectPercents(train("bf16", Amx::off, 4));
}

INSTANTIATE_TEST_SUITE_P(All, Bf16Training,
                         testing::Values("sac", "flame-r", "flame-m"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

} // namespace
} // namespace phlox::test
