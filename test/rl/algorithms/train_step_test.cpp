// One train step of every algorithm against stored tensors that an independent
// implementation made (testdata/make_train_steps.py): losses, gradients through
// what they update, averages, temperature, metrics.
#include "rl/algorithms/registry.h"
#include "test/support/algorithm_runner.h"
#include <cmath>
#include <gtest/gtest.h>
#include <utility>

namespace phlox::rl {
namespace {

using test::Tensors;

const EnvSpec kTask = {3, 2, "test"};

class TrainStep : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    const Algorithm *algorithm = find_algorithm(GetParam());
    ASSERT_NE(algorithm, nullptr);
    std::string path =
        std::string(PHLOX_TESTDATA) + "/" + GetParam() + ".safetensors";
    program.emplace(algorithm->build(
        kTask, nlohmann::json::parse(test::stored_config(path)), {2}));
    step = test::read_step(path, program->context());
    module = test::explicit_noise(*program);
  }
  Tensors run() {
    return test::interpretEntry(*module, "train_step", step.arguments);
  }
  std::optional<Program> program;
  test::StoredStep step;
  mlir::OwningOpRef<mlir::ModuleOp> module;
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
  // in the batch, in parameters, in moments that only the update reads
  const std::pair<const char *, double> poisons[] = {
      {"reward", NAN},
      {"obs", INFINITY},
      {"leaf:critic/1/layer2/bias", NAN},
      {"leaf:actor/layer1/weight/adam_m", INFINITY},
      {"leaf:critic/0/layer3/weight/adam_v", NAN},
      {"leaf:log_alpha/adam_v", NAN}};
  for (auto [name, poison] : poisons) {
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

TEST_P(TrainStep, SkipsActorAndTemperatureBetweenTheirTurns) {
  step.arguments.at("leaf:step").counts[0] = 5;
  for (const auto &[name, value] : run()) {
    if (!name.starts_with("leaf:") || name == "leaf:step")
      continue;
    double moved = test::distance(value, step.arguments.at(name), 1e-3);
    if (name.starts_with("leaf:critic/"))
      EXPECT_GT(moved, 1e-5) << name;
    else
      EXPECT_EQ(moved, 0) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, TrainStep,
                         testing::Values("sac", "flame-r", "flame-m"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

} // namespace
} // namespace phlox::rl
