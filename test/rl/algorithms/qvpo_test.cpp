// What qvpo.cpp's header numbers of its own.
#include "test/rl/algorithms/support.h"

namespace phlox::rl {
namespace {

using test::Tensors;

TEST(Qvpo, UniformOnTheBox) {
  auto loss = [](double least, double u) {
    StoredProgram program("qvpo", {{"uniform_least", least}});
    auto &uniform = program.argument("train_step/uniform");
    uniform.assign(uniform.size(), u);
    return program.metric("losses/denoise_loss");
  };
  // the middle of the box is the least of the published draws
  EXPECT_NEAR(loss(-1, .5), loss(0, 0), 1e-9);
  EXPECT_NEAR(loss(-1, 1), loss(0, 1), 1e-9);
  EXPECT_NE(loss(-1, .2), loss(0, .2));
  for (const auto &entry : find_algorithm("qvpo")->schema)
    if (entry["key"] == "uniform_least")
      EXPECT_EQ(entry["default"], -1);
}

TEST(Qvpo, RankedBySmaller) {
  StoredProgram least("qvpo"), both("qvpo", {{"rank_by", "mean"}});
  EXPECT_NE(least.metric("losses/advantage_mean"),
            both.metric("losses/advantage_mean"));
  // of two equal critics the smaller is the mean
  for (StoredProgram *program : {&least, &both})
    for (auto &[name, tensor] : program->step.arguments)
      if (name.starts_with("leaf:critic/1/"))
        tensor = program->step.arguments.at("leaf:critic/0/" + name.substr(14));
  EXPECT_NEAR(least.metric("losses/advantage_mean"),
              both.metric("losses/advantage_mean"), 1e-9);
}

TEST(Qvpo, WeightsAreAdvantages) {
  // values alike everywhere: nothing is better than the average
  StoredProgram program("qvpo");
  for (const char *leaf :
       {"leaf:critic/0/layer3/weight", "leaf:critic/1/layer3/weight"})
    for (double &x : program.argument(leaf))
      x = 0;
  EXPECT_EQ(program.metric("losses/advantage_mean"), 0);
  EXPECT_EQ(program.metric("losses/denoise_loss"), 0);
  // uniform actions count by their coefficient
  StoredProgram none("qvpo", {{"entropy_coef", 0.}});
  double before = none.metric("losses/denoise_loss");
  for (double &u : none.argument("train_step/uniform"))
    u = 1 - u;
  EXPECT_EQ(none.metric("losses/denoise_loss"), before);
}

TEST(Qvpo, BehaviourRanks) {
  // two candidates ranked when acting to learn, as in the target
  Program program =
      find_algorithm("qvpo")->build(kTask, {{"batch", 6}, {"nfe", 2}}, {2});
  auto module = test::explicit_noise(program);
  EXPECT_EQ(test::input_types(*module, "sample_2")["sample/base"],
            "tensor<2x2x2xf32>");
  EXPECT_EQ(test::input_types(*module, "train_step")["train_step/base"],
            "tensor<6x2x2xf32>");
  EXPECT_FALSE(
      test::input_types(*module, "sample_2").contains("sample/exploration"));
}

TEST(Qvpo, OnePoint) {
  StoredProgram still("qvpo", {{"critic.lr", 0.}});
  StoredProgram moving("qvpo", {{"critic.lr", 1.}});
  Tensors slow = still.run(), fast = moving.run();
  EXPECT_GT(test::distance(slow.at("leaf:critic/0/layer1/weight"),
                           fast.at("leaf:critic/0/layer1/weight")),
            .1);
  EXPECT_EQ(test::distance(slow.at("leaf:actor/layer1/weight"),
                           fast.at("leaf:actor/layer1/weight")),
            0);
}

} // namespace
} // namespace phlox::rl
