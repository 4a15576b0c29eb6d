// One train step of every algorithm with a replay against stored tensors that
// an independent implementation made (testdata/make_*_steps.py): losses,
// gradients through what they update, averages, temperature, metrics.
#include "rl/algorithms/settings.h"
#include "test/rl/algorithms/support.h"
#include <algorithm>

#include <cmath>
#include <gtest/gtest.h>
#include <utility>

namespace phlox::rl {
namespace {

using test::Tensors;

class TrainStep : public testing::TestWithParam<std::string> {
protected:
  StoredProgram stored{GetParam()};
  test::StoredStep &step = stored.step;
  Tensors run() { return stored.run(); }
};

TEST_P(TrainStep, EqualsStoredTensors) {
  Tensors results = run();
  ASSERT_GT(step.expected.size(), 40u);
  EXPECT_EQ(results.size(), step.expected.size());
  for (const auto &[name, expected] : step.expected) {
    ASSERT_TRUE(results.contains(name)) << name;
    // constants are rounded to f32: 6e-8 each
    EXPECT_LE(test::distance(results.at(name), expected, 1e-3), 3e-6) << name;
  }
}

// every update is much larger than the tolerance above
TEST_P(TrainStep, MovesEveryLeaf) {
  Tensors results = run();
  for (const auto &[name, value] : results)
    if (name.starts_with("leaf:"))
      EXPECT_GT(test::distance(value, step.arguments.at(name), 1e-3), 1e-5)
          << name;
}

TEST_P(TrainStep, KeepsTheStateIfSomethingIsNotFinite) {
  const std::pair<std::string, double> poisons[] = {
      {"reward", NAN},
      {"obs", INFINITY},
      {"leaf:critic/1/layer2/bias", NAN},
      {"leaf:log_alpha/adam_v", NAN}};
  for (const auto &[name, poison] : poisons) {
    if (!step.arguments.contains(name)) {
      // not every algorithm trains a temperature; all have the rest
      EXPECT_EQ(name, "leaf:log_alpha/adam_v");
      EXPECT_FALSE(step.arguments.contains("leaf:log_alpha/adam_m"));
      continue;
    }
    HostTensor &tensor = step.arguments.at(name);
    double saved = std::exchange(tensor.reals[0], poison);
    Tensors results = run();
    EXPECT_EQ(results.at("nonfinite").reals[0], 1) << name;
    for (const auto &[leaf, value] : results)
      if (leaf.starts_with("leaf:"))
        EXPECT_EQ(test::distance(value, step.arguments.at(leaf)), 0)
            << leaf << " after " << name;
    tensor.reals[0] = saved;
  }
}

// Moments stay finite with gradients; of a damaged state the update after the
// one that reads them says so.
TEST_P(TrainStep, TellsOfMomentsThatAreNotFinite) {
  std::string of_actor;
  for (const auto &[name, tensor] : step.arguments)
    if (name.starts_with("leaf:actor/") && name.ends_with("/adam_m"))
      of_actor = name;
  const std::pair<std::string, double> poisons[] = {
      {of_actor, INFINITY}, {"leaf:critic/0/layer3/weight/adam_v", NAN}};
  const Tensors before = step.arguments;
  for (const auto &[name, poison] : poisons) {
    step.arguments = before;
    step.arguments.at(name).reals[0] = poison;
    for (const auto &[leaf, value] : run())
      if (leaf.starts_with("leaf:"))
        step.arguments.at(leaf) = value;
    EXPECT_EQ(run().at("nonfinite").reals[0], 1) << name;
  }
}

// weights of a single proposal would be 1 whatever the critics say
TEST_P(TrainStep, FewestProposalsStillAskTheCritics) {
  const auto &schema = find_algorithm(GetParam())->schema;
  auto key = std::ranges::find_if(
      schema, [](const auto &row) { return row["key"] == "proposals"; });
  if (key == schema.end())
    return;
  std::optional<StoredProgram> program;
  for (int64_t count = (*key)["least"]; !program; ++count)
    try {
      program.emplace(GetParam(), nlohmann::json{{"proposals", count}});
    } catch (const SettingsError &) {
      ASSERT_LE(count, 2); // the stored configuration's own checks
    }
  double before = program->metric("losses/actor_loss");
  for (auto &[name, tensor] : program->step.arguments)
    if (name.starts_with("leaf:critic/") && name.ends_with("/weight"))
      for (double &x : tensor.reals)
        x *= 3;
  EXPECT_NE(program->metric("losses/actor_loss"), before);
}

TEST_P(TrainStep, SkipsActorAndTemperatureBetweenTheirTurns) {
  step.arguments.at("leaf:step").counts[0] = 5;
  for (const auto &[name, value] : run()) {
    if (!name.starts_with("leaf:") || name == "leaf:step")
      continue;
    double moved = test::distance(value, step.arguments.at(name), 1e-3);
    // running moments of values are updated with the critics
    if (name.starts_with("leaf:critic/") || name.starts_with("leaf:q_"))
      EXPECT_GT(moved, 1e-5) << name;
    else
      EXPECT_EQ(moved, 0) << name;
  }
}

// f32 code against the f64 interpreter on the same noise; the largest error is
// of a moment whose gradient nearly cancels
TEST_P(TrainStep, CompiledEqualsInterpreted) {
  test::CompiledProgram compiled(*stored.module);
  Tensors expected = run(), actual = compiled.run("train_step", step.arguments);
  for (const auto &[name, tensor] : expected)
    EXPECT_LE(test::distance(actual.at(name), tensor, 1e-3), 2e-4) << name;
}

INSTANTIATE_TEST_SUITE_P(All, TrainStep, testing::ValuesIn(replay_algorithms()),
                         suffix_of);

} // namespace
} // namespace phlox::rl
