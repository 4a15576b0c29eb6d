// What sac_flow.cpp's header numbers, the entropy of its paths, and acting.
#include "test/rl/algorithms/support.h"
#include <algorithm>
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;

void set(StoredProgram &program, const std::string &leaf, double value) {
  auto &numbers = program.argument("leaf:" + leaf);
  std::fill(numbers.begin(), numbers.end(), value);
}

// the flow x + (g / S) (c - x) + std e with the same numbers in all states
void make_linear(StoredProgram &program, double gate, double candidate,
                 double raw_std) {
  for (auto &[name, tensor] : program.step.arguments)
    if (name.starts_with("leaf:actor/") && name.find("adam") == name.npos)
      std::fill(tensor.reals.begin(), tensor.reals.end(), 0);
  set(program, "actor/gate/layer2/bias", std::log(gate / (1 - gate)));
  set(program, "actor/candidate/layer2/bias", candidate);
  set(program, "actor/std/layer3/bias", raw_std);
}

TEST(SacFlow, TwinTargets) {
  // with no critics but their biases the target is reward + discount min Q'
  StoredProgram program("sac-flow", {{"entropy_sign", 0}});
  for (const char *critic : {"target_critic/0", "target_critic/1"})
    set(program, std::string(critic) + "/layer3/weight", 0);
  set(program, "target_critic/0/layer3/bias", 2);
  set(program, "target_critic/1/layer3/bias", 5);
  double expected = 0;
  for (int row = 0; row < 6; ++row)
    expected += (.3 * program.argument("reward")[row] +
                 (1 - program.argument("terminated")[row]) * .97 * 2) /
                6;
  EXPECT_NEAR(program.metric("losses/soft_target_mean"), expected, 1e-6);
}

TEST(SacFlow, ExactSlope) {
  StoredProgram program("sac-flow");
  make_linear(program, 1 - 1e-9, 40, -20);
  Tensors results = program.run();
  EXPECT_EQ(results.at("nonfinite").reals[0], 0);
  // z = 40 (1 - (2/3)^3) = 28.1 twice: far below 2 ln 1e-6
  EXPECT_LT(results.at("losses/entropy").reals[0], -100);
}

TEST(SacFlow, LogTemperature) {
  StoredProgram program("sac-flow");
  program.argument("leaf:log_alpha/adam_m") = {0};
  Tensors results = program.run();
  double excess = results.at("losses/entropy").reals[0] -
                  results.at("losses/target_entropy").reals[0];
  // m holds a tenth of the slope: no factor alpha
  EXPECT_NEAR(results.at("leaf:log_alpha/adam_m").reals[0], .1 * excess, 1e-6);
}

TEST(SacFlow, FourierTimes) {
  StoredProgram program("sac-flow");
  auto sizes = test::leaf_sizes(*program.program);
  for (const char *leaf :
       {"actor/gate/layer1/weight", "actor/candidate/layer1/weight"})
    EXPECT_EQ(sizes.at(leaf), (3 + 2 + 9) * 8);
}

TEST(SacFlow, PathEntropy) {
  StoredProgram program(
      "sac-flow",
      {{"nfe", 4}, {"base_std", 1}, {"log_std_min", -5}, {"log_std_max", 2}},
      {4000});
  // x + (.5 - .8 x) / 4 + .25 e
  make_linear(program, .8, .625, std::atanh((std::log(.25) + 5) / 3.5 - 1));
  for (const char *noise : {"train_step/base", "train_step/steps"}) {
    auto &numbers = program.argument(noise);
    std::fill(numbers.begin(), numbers.end(), 1); // e^2 as on average
  }
  double x = 1;
  for (int k = 0; k < 4; ++k)
    x += (.5 - .8 * x) / 4 + .25;
  double slope = std::log(1 - std::tanh(x) * std::tanh(x));
  EXPECT_NEAR(program.metric("losses/entropy"), 2 * (1.5495 + slope), 1e-3);

  // of the latent action alone: 0.8370 per dimension
  Tensors arguments = program.step.arguments;
  for (auto &[name, tensor] :
       test::randomArguments(*program.module, "sample_4000", 5))
    if (!name.starts_with("leaf:"))
      arguments[name] = tensor;
  auto actions = test::interpretEntry(*program.module, "sample_4000", arguments)
                     .at("action")
                     .reals;
  double sum = 0, squares = 0, count = static_cast<double>(actions.size());
  for (double a : actions) {
    sum += std::atanh(a);
    squares += std::atanh(a) * std::atanh(a);
  }
  double variance = squares / count - sum / count * (sum / count);
  EXPECT_NEAR(.5 * std::log(2 * M_PI * M_E * variance), .8370, .03);
}

TEST(SacFlow, MeanPath) {
  StoredProgram program("sac-flow");
  auto arguments = program.step.arguments;
  mlir::MLIRContext *context = program.program->context();
  arguments["obs"] = test::reals(context, {2, 3}, {1, 0, 2, 0, 1, 1});
  arguments["step"] = arguments.at("leaf:step");
  arguments["sample/base"] = test::reals(context, {2, 2}, {0, 0, 0, 0});
  arguments["sample/steps"] =
      test::reals(context, {3, 2, 2}, std::vector<double>(12, 0));
  auto act = [&](const char *entry) {
    return test::interpretEntry(*program.module, entry, arguments).at("action");
  };
  EXPECT_EQ(test::distance(act("sample_2"), act("evaluate_2")), 0);
  arguments["sample/steps"].reals[11] = 1; // last step, row and dimension
  auto sample = act("sample_2"), mean = act("evaluate_2");
  EXPECT_EQ(sample.reals[2], mean.reals[2]);
  EXPECT_GT(sample.reals[3], mean.reals[3]);
}

TEST(SacFlow, OnePoint) {
  StoredProgram slow("sac-flow", {{"critic.lr", 0.}, {"critic.lr_final", 0.}});
  StoredProgram fast("sac-flow", {{"critic.lr", 1.}, {"critic.lr_final", 1.}});
  Tensors a = slow.run(), b = fast.run();
  EXPECT_GT(test::distance(a.at("leaf:critic/0/layer1/weight"),
                           b.at("leaf:critic/0/layer1/weight")),
            .1);
  EXPECT_EQ(test::distance(a.at("leaf:actor/gate/layer1/weight"),
                           b.at("leaf:actor/gate/layer1/weight")),
            0);
}

TEST(SacFlow, GatesStartOpen) {
  StoredProgram program("sac-flow");
  Tensors state = test::initial_state(*program.program, 5);
  for (double w : state.at("leaf:actor/gate/layer2/weight").reals)
    EXPECT_EQ(w, 0);
  for (double b : state.at("leaf:actor/gate/layer2/bias").reals)
    EXPECT_EQ(b, 5);
  EXPECT_NE(state.at("leaf:actor/gate/layer1/weight").reals,
            state.at("leaf:actor/candidate/layer1/weight").reals);
}

} // namespace
} // namespace phlox::rl
