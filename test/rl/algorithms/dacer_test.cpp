// What dacer.cpp's header numbers, its critics' loss, and acting.
#include "rl/algorithms/settings.h"
#include "test/rl/algorithms/support.h"
#include <algorithm>
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;

TEST(Dacer, MixtureInTheGraph) {
  // of exploration noise alone, without components: ln (std sqrt(2 pi e))
  auto entropy = [](double scale) {
    StoredProgram program("dacer", {{"mixture_components", 1},
                                    {"noise_scale", scale},
                                    {"entropy_samples", 400}});
    for (const char *name :
         {"train_step/entropy_base", "train_step/entropy_steps"}) {
      auto &noise = program.argument(name);
      std::fill(noise.begin(), noise.end(), 0);
    }
    auto &noise = program.argument("train_step/entropy_exploration");
    // each of two dimensions takes both signs, in all four pairs
    for (size_t i = 0; i < noise.size(); ++i)
      noise[i] = i / 2 % 2 ^ (i % 2 && i / 4 % 2) ? 1 : -1;
    return program.metric("losses/entropy");
  };
  // twice the noise, nats of two dimensions
  EXPECT_NEAR(entropy(.08) - entropy(.04), 2 * std::log(2.), 1e-2);
}

TEST(Dacer, SomeStates) {
  auto entropy = [](int row, int states) {
    StoredProgram program("dacer", {{"entropy_states", states}});
    if (row >= 0)
      program.argument("obs")[row * 3] += 1;
    return program.metric("losses/entropy");
  };
  EXPECT_EQ(entropy(-1, 2), entropy(2, 2));
  EXPECT_NE(entropy(-1, 2), entropy(1, 2));
  EXPECT_TRUE(std::isfinite(entropy(-1, 100)));
}

TEST(Dacer, PhaseOfTheStep) {
  StoredProgram program("dacer");
  EXPECT_EQ(test::leaf_sizes(*program.program).at("actor/layer1/weight"),
            (3 + 2 + 9) * 8);
}

TEST(Dacer, EntropyStaysBetweenTheTemperaturesTurns) {
  StoredProgram program("dacer");
  program.step.arguments.at("leaf:step").counts[0] = 5;
  Tensors results = program.run();
  EXPECT_EQ(results.at("losses/entropy").reals,
            program.argument("leaf:entropy"));
  EXPECT_EQ(results.at("leaf:log_alpha").reals,
            program.argument("leaf:log_alpha"));
}

TEST(Dacer, ReturnsHaveNoEntropy) {
  for (const auto &entry : find_algorithm("dacer")->schema)
    EXPECT_NE(entry["key"], "entropy_sign");
  StoredProgram program("dacer");
  double before = program.metric("losses/soft_target_mean");
  program.argument("leaf:entropy") = {5};
  EXPECT_EQ(program.metric("losses/soft_target_mean"), before);
}

TEST(Dacer, UncertainReturnsTeachLess) {
  // the same error moves the mean less where the deviation is large
  auto slope = [](double raw) {
    StoredProgram program("dacer");
    program.argument("leaf:critic/0/running_std") = {.4};
    auto &weight = program.argument("leaf:critic/0/layer3/weight");
    std::fill(weight.begin(), weight.end(), 0);
    program.argument("leaf:critic/0/layer3/bias") = {0, raw};
    auto &moment = program.argument("leaf:critic/0/layer3/bias/adam_m");
    std::fill(moment.begin(), moment.end(), 0);
    Tensors results = program.run();
    double width = results.at("losses/return_std").reals[0];
    return std::abs(results.at("leaf:critic/0/layer3/bias/adam_m").reals[0]) /
           (width * width + .1);
  };
  double narrow = std::log1p(std::exp(0.)), wide = std::log1p(std::exp(2.));
  EXPECT_NEAR(slope(0) / slope(2), (wide * wide + .1) / (narrow * narrow + .1),
              1e-4);
}

TEST(Dacer, EvaluatesWithoutExploration) {
  StoredProgram program("dacer");
  auto arguments = program.step.arguments;
  mlir::MLIRContext *context = program.program->context();
  arguments["obs"] = test::reals(context, {2, 3}, {1, 0, 2, 0, 1, 1});
  arguments["step"] = arguments.at("leaf:step");
  for (const char *entry : {"sample", "evaluate"}) {
    std::string prefix = entry;
    arguments[prefix + "/base"] = test::reals(context, {2, 2}, {1, -1, .5, 0});
    arguments[prefix + "/steps"] =
        test::reals(context, {4, 2, 2}, std::vector<double>(16, .2));
  }
  arguments["sample/exploration"] = test::reals(context, {2, 2}, {0, 0, 0, 0});
  auto act = [&](const char *entry) {
    return test::interpretEntry(*program.module, entry, arguments)
        .at("action")
        .reals;
  };
  auto mode = act("evaluate_2");
  EXPECT_EQ(act("sample_2"), mode);
  arguments["sample/exploration"].reals = {0, 0, 0, -.5};
  auto noisy = act("sample_2");
  EXPECT_EQ(noisy[2], mode[2]);
  EXPECT_LT(noisy[3], mode[3]);
}

} // namespace
} // namespace phlox::rl
