// What sac.cpp's header numbers, and acting.
#include "rl/algorithms/optimiser.h"
#include "test/rl/algorithms/support.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;

std::vector<double> &last_bias(StoredProgram &program) {
  return program.argument("leaf:actor/layer3/bias"); // means, then log stds
}

TEST(Sac, LogTemperature) {
  // one Adam step by the sign of its slope, with fresh moments: lr (1, -1)
  StoredProgram program("sac");
  program.argument("leaf:log_alpha/adam_m") = {0};
  program.argument("leaf:log_alpha/adam_v") = {0};
  Tensors results = program.run();
  double excess = results.at("losses/entropy").reals[0] -
                  results.at("losses/target_entropy").reals[0];
  double log_alpha = program.argument("leaf:log_alpha")[0];
  EXPECT_NEAR(results.at("losses/alpha_loss").reals[0], log_alpha * excess,
              1e-6);
  // m holds a tenth of the slope: no factor alpha
  EXPECT_NEAR(results.at("leaf:log_alpha/adam_m").reals[0], .1 * excess, 1e-6);
}

TEST(Sac, SquashStable) {
  StoredProgram program("sac");
  last_bias(program)[0] = 40; // tanh rounds to 1 in f64 too
  Tensors results = program.run();
  EXPECT_EQ(results.at("nonfinite").reals[0], 0);
  // -log pi falls by 2 (z - ln 2) in that dimension
  double entropy = results.at("losses/entropy").reals[0];
  EXPECT_LT(entropy, -70);
  EXPECT_GT(entropy, -90);
}

TEST(Sac, LogStdClipped) {
  auto actions = [](double log_std) {
    StoredProgram program("sac");
    last_bias(program)[2] = last_bias(program)[3] = log_std;
    program.step.arguments["obs"] =
        test::reals(program.program->context(), {2, 3}, {1, 0, 2, 0, 1, 1});
    program.step.arguments["step"] = program.step.arguments.at("leaf:step");
    program.step.arguments["sample/exploration"] =
        test::reals(program.program->context(), {2, 2}, {.5, -.5, .25, -.25});
    return test::interpretEntry(*program.module, "sample_2",
                                program.step.arguments)
        .at("action")
        .reals;
  };
  EXPECT_EQ(actions(50), actions(60));
  EXPECT_EQ(actions(-50), actions(-60));
  EXPECT_NE(actions(50), actions(-50));
}

TEST(Sac, OnePoint) {
  // the critics' own step does not reach the actor's gradient
  StoredProgram slow("sac", {{"critic.lr", 0.}, {"critic.lr_final", 0.}});
  StoredProgram fast("sac", {{"critic.lr", 1.}, {"critic.lr_final", 1.}});
  Tensors a = slow.run(), b = fast.run();
  EXPECT_GT(test::distance(a.at("leaf:critic/0/layer1/weight"),
                           b.at("leaf:critic/0/layer1/weight")),
            .1);
  EXPECT_EQ(test::distance(a.at("leaf:actor/layer1/weight"),
                           b.at("leaf:actor/layer1/weight")),
            0);
  EXPECT_EQ(a.at("losses/actor_loss").reals, b.at("losses/actor_loss").reals);
}

TEST(Sac, EvaluatesAtTheMode) {
  StoredProgram program("sac");
  auto arguments = program.step.arguments;
  mlir::MLIRContext *context = program.program->context();
  arguments["obs"] = test::reals(context, {2, 3}, {1, 0, 2, 0, 1, 1});
  arguments["step"] = arguments.at("leaf:step");
  arguments["sample/exploration"] = test::reals(context, {2, 2}, {0, 0, 0, 0});
  auto act = [&](const char *entry) {
    return test::interpretEntry(*program.module, entry, arguments).at("action");
  };
  EXPECT_EQ(test::distance(act("sample_2"), act("evaluate_2")), 0);
  arguments["sample/exploration"].reals[3] = 1;
  auto sample = act("sample_2"), mode = act("evaluate_2");
  EXPECT_EQ(sample.reals[2], mode.reals[2]);
  EXPECT_GT(sample.reals[3], mode.reals[3]);
}

TEST(Sac, InitialState) {
  StoredProgram program("sac");
  Tensors state = test::initial_state(*program.program, 5);
  EXPECT_EQ(state.at("leaf:seed").counts[0], 5u);
  EXPECT_EQ(state.at("leaf:step").counts[0], 0u);
  EXPECT_EQ(state.at("leaf:log_alpha").reals[0], 0);
  const auto &weight = state.at("leaf:critic/0/layer2/weight").reals;
  double square = 0;
  for (double w : weight) {
    EXPECT_LE(std::abs(w), 1 / std::sqrt(8.) + 1e-6);
    square += w * w / weight.size();
  }
  // uniform within 1/sqrt(8): variance 1/3 of 1/8
  EXPECT_NEAR(square * 8, 1 / 3., .12);
  EXPECT_EQ(state.at("leaf:critic/0/layer2/weight").reals,
            state.at("leaf:target_critic/0/layer2/weight").reals);
  EXPECT_NE(state.at("leaf:critic/0/layer2/weight").reals,
            state.at("leaf:critic/1/layer2/weight").reals);
  for (const auto &[name, value] : state)
    if (name.find("adam") != std::string::npos)
      for (double x : value.reals)
        EXPECT_EQ(x, 0) << name;
  // another seed, other weights
  EXPECT_NE(test::initial_state(*program.program, 6)
                .at("leaf:actor/layer1/weight")
                .reals,
            state.at("leaf:actor/layer1/weight").reals);
}

} // namespace
} // namespace phlox::rl
