// Every entry point of every algorithm, dispatched op by op, against the f64
// interpreter; see test/rl/modes for the compiled mode.
#include "test/support/mode_case.h"
#include "tools/phlox/eager.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::test {
namespace {

using testing::IsEmpty;

class Eager : public testing::TestWithParam<std::tuple<const char *, bool>> {};

TEST_P(Eager, AgreesWithTheInterpreter) {
  auto [algorithm, explicitNoise] = GetParam();
  ModeCase given(algorithm, explicitNoise);
  CompiledProgram compiled(*given.module);
  const Tensors initial = given.initialState();
  const StepComparison within(kCaseRate, kCaseEmaRate);
  for (const std::string &entry : given.entries()) {
    tools::EagerRunner runner(compiled.table(), entry, compiled.threads());
    Tensors state = initial;
    // a later call meets memory that an earlier one has used
    for (unsigned call = 0; call < 3; call++) {
      Tensors in = given.arguments(entry, 30 + call, state);
      Tensors actual = compiled.run(
          entry, in, [&](phlox_state *leaves, auto inputs, auto outputs) {
            runner.run(leaves, inputs, outputs);
          });
      EXPECT_GT(runner.dispatches(), 3);
      Tensors expected = interpretEntry(*given.module, entry, in);
      ASSERT_EQ(actual.size(), expected.size());
      EXPECT_THAT(within.compare(actual, expected), IsEmpty())
          << entry << ", call " << call;
      if (entry == "train_step") {
        EXPECT_THAT(within.checkAdam(in, actual), IsEmpty()) << "call " << call;
        if (call == 0)
          EXPECT_THAT(within.compareFirst(actual, expected), IsEmpty());
        for (auto &[name, tensor] : actual)
          if (name.starts_with("leaf:"))
            state.at(name) = tensor;
      }
    }
  }
}

// noise as inputs changes no op but the draws: once is enough
INSTANTIATE_TEST_SUITE_P(
    All, Eager,
    testing::Values(std::tuple("sac", false), std::tuple("sac", true),
                    std::tuple("flame-r", false), std::tuple("flame-m", false),
                    std::tuple("isfm", false), std::tuple("fmer", false),
                    std::tuple("td3", false), std::tuple("sac-flow", false),
                    std::tuple("mfpo", false), std::tuple("dacer", false)),
    [](const auto &info) {
      std::string name = std::get<0>(info.param);
      std::erase(name, '-');
      return name + (std::get<1>(info.param) ? "ExplicitNoise" : "");
    });

} // namespace
} // namespace phlox::test
