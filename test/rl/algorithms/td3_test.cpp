// What td3.cpp's header numbers, and acting.
#include "test/rl/algorithms/support.h"
#include <algorithm>
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;

TEST(Td3, TargetIsTheSmallerCriticAtTheSmoothedAction) {
  // with no critics but their biases the target is reward + discount min Q'
  StoredProgram program("td3");
  for (const char *critic : {"leaf:target_critic/0", "leaf:target_critic/1"})
    for (const char *part : {"/layer3/weight", "/layer3/bias"}) {
      auto &leaf = program.argument(std::string(critic) + part);
      leaf.assign(leaf.size(), 0);
    }
  program.argument("leaf:target_critic/0/layer3/bias") = {2};
  program.argument("leaf:target_critic/1/layer3/bias") = {5};
  double expected = 0;
  for (int row = 0; row < 6; ++row)
    expected += (.3 * program.argument("reward")[row] +
                 (1 - program.argument("terminated")[row]) * .97 * 2) /
                6;
  EXPECT_NEAR(program.metric("losses/soft_target_mean"), expected, 1e-6);
}

TEST(Td3, NoiseInTheBox) {
  // noise beyond its limit is that limit, and actions stay in the box
  auto target = [](double noise, double limit) {
    StoredProgram program("td3", {{"target_clip", limit}});
    program.argument("train_step/base").assign(12, noise);
    return program.metric("losses/soft_target_mean");
  };
  EXPECT_EQ(target(5, .25), target(50, .25));
  EXPECT_NE(target(.1, .25), target(5, .25));
  EXPECT_EQ(target(5, 0), target(0, .25));
  // at a corner of the box whatever the policy says
  EXPECT_EQ(target(50, 2), target(50, 3));
}

TEST(Td3, DelayedUpdates) {
  StoredProgram program("td3");
  for (uint64_t step : {4, 5}) {
    program.step.arguments.at("leaf:step").counts[0] = step;
    Tensors results = program.run();
    for (const char *leaf :
         {"leaf:actor/layer2/weight", "leaf:target_actor/layer2/weight",
          "leaf:target_critic/1/layer2/weight"}) {
      double moved =
          test::distance(results.at(leaf), program.step.arguments.at(leaf));
      if (step % 2 == 0)
        EXPECT_GT(moved, 1e-6) << leaf;
      else
        EXPECT_EQ(moved, 0) << leaf;
    }
    EXPECT_GT(test::distance(
                  results.at("leaf:critic/0/layer2/weight"),
                  program.step.arguments.at("leaf:critic/0/layer2/weight")),
              1e-6);
  }
}

TEST(Td3, OnePoint) {
  // the critics' own step does not reach the actor's gradient, nor does the
  // second critic
  StoredProgram slow("td3", {{"critic.lr", 0.}}),
      fast("td3", {{"critic.lr", 1.}});
  auto &second = fast.argument("leaf:critic/1/layer3/weight");
  std::fill(second.begin(), second.end(), 0);
  Tensors a = slow.run(), b = fast.run();
  EXPECT_GT(test::distance(a.at("leaf:critic/0/layer1/weight"),
                           b.at("leaf:critic/0/layer1/weight")),
            .1);
  EXPECT_EQ(test::distance(a.at("leaf:actor/layer1/weight"),
                           b.at("leaf:actor/layer1/weight")),
            0);
}

TEST(Td3, PaperSettings) {
  const Algorithm &td3 = *find_algorithm("td3");
  auto sizes =
      test::leaf_sizes(td3.build({17, 6, "test"}, td3.as_published, {}));
  EXPECT_EQ(sizes.at("actor/layer1/weight"), 17 * 400);
  EXPECT_EQ(sizes.at("critic/1/layer2/weight"), 400 * 300);
  sizes = test::leaf_sizes(td3.build({17, 6, "test"}, {}, {}));
  EXPECT_EQ(sizes.at("critic/1/layer2/weight"), 256 * 256);
  // nothing of a temperature is left
  for (const auto &[name, size] : sizes)
    EXPECT_EQ(name.find("alpha"), std::string::npos) << name;
  for (const auto &entry : td3.schema)
    EXPECT_FALSE(entry["key"].get<std::string>().starts_with("alpha"));
}

TEST(Td3, ExploresAroundThePolicy) {
  auto act = [](const std::string &entry, double noise) {
    StoredProgram program("td3");
    auto arguments = program.step.arguments;
    mlir::MLIRContext *context = program.program->context();
    arguments["obs"] = test::reals(context, {2, 3}, {1, 0, 2, 0, 1, 1});
    arguments["step"] = arguments.at("leaf:step");
    arguments["sample/exploration"] =
        test::reals(context, {2, 2}, {noise, noise, noise, noise});
    return test::interpretEntry(*program.module, entry, arguments)
        .at("action")
        .reals;
  };
  auto mode = act("evaluate_2", 0);
  EXPECT_EQ(act("sample_2", 0), mode);
  auto noisy = act("sample_2", .5);
  for (size_t i = 0; i < mode.size(); ++i) {
    EXPECT_LT(std::abs(mode[i]), 1);
    EXPECT_NEAR(noisy[i], std::min(mode[i] + .2 * .5, 1.), 1e-7);
  }
  for (double a : act("sample_2", 100))
    EXPECT_EQ(a, 1);
}

} // namespace
} // namespace phlox::rl
