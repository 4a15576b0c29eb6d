// What flame_r.cpp's header numbers of its own; flow_policy_test.cpp has what
// both flow policies number.
#include "test/rl/algorithms/support.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;

TEST(FlameR, MeanProposal) {
  // published: the mean over K proposals; the same point, a gradient 1 / K
  StoredProgram summed("flame-r");
  StoredProgram averaged("flame-r", {{"k_reduction", "mean"}});
  Tensors whole = summed.run(), share = averaged.run();
  const char *norm = "losses/grad_norm_actor", *loss = "losses/flow_loss";
  EXPECT_NEAR(share.at(norm).reals[0] * 5, whole.at(norm).reals[0], 1e-6);
  EXPECT_NEAR(share.at(loss).reals[0] * 5, whole.at(loss).reals[0], 1e-6);
}

TEST(FlameR, PathLeavesTheBox) {
  StoredProgram free("flame-r"), clipped("flame-r", {{"clip_path", true}});
  auto differ = [&] {
    return free.metric("losses/flow_loss") !=
           clipped.metric("losses/flow_loss");
  };
  for (StoredProgram *program : {&free, &clipped})
    program->argument("train_step/path").assign(12, 3);
  EXPECT_TRUE(differ());
  for (StoredProgram *program : {&free, &clipped}) {
    program->argument("train_step/path").assign(12, 0);
  }
  EXPECT_FALSE(differ());
}

TEST(FlameR, EntropyOnThePath) {
  // exact traces on the path do not read the probe; the published estimate
  // starts at the clipped end and differs
  StoredProgram probed("flame-r");
  StoredProgram exact("flame-r", {{"entropy.trace", "exact"}});
  StoredProgram back("flame-r", {{"entropy.trace", "exact"},
                                 {"entropy.estimator", "div_reverse"}});
  EXPECT_FALSE(exact.run().empty());
  EXPECT_NE(exact.metric("losses/entropy"), back.metric("losses/entropy"));
  // signs average to the exact trace: all four patterns of two dimensions
  double sum = 0;
  for (double first : {.2, .8})
    for (double second : {.2, .8}) {
      auto &probe = probed.argument("train_step/probe");
      for (size_t i = 0; i < probe.size(); i += 2)
        probe[i] = first, probe[i + 1] = second;
      sum += probed.metric("losses/entropy") / 4;
    }
  EXPECT_NEAR(sum, exact.metric("losses/entropy"), 1e-9);
}

TEST(FlameR, Solver) {
  // without a velocity every solver stays; with one, Euler's end differs
  auto target = [](const char *solver, bool still) {
    StoredProgram program("flame-r", {{"solver", solver}});
    if (still)
      for (const char *leaf :
           {"leaf:actor/layer3/weight", "leaf:actor/layer3/bias"})
        program.argument(leaf).assign(program.argument(leaf).size(), 0);
    return program.metric("losses/soft_target_mean");
  };
  EXPECT_EQ(target("euler", true), target("midpoint", true));
  EXPECT_NE(target("euler", false), target("midpoint", false));
}

TEST(FlameR, StepsOfTheEntropyAloneLeaveTheActionAlone) {
  StoredProgram own(
      "flame-r",
      {{"entropy.steps", 5}, {"entropy.trace", "exact"}, {"entropy_sign", 0}});
  StoredProgram path("flame-r",
                     {{"entropy.trace", "exact"}, {"entropy_sign", 0}});
  EXPECT_NE(own.metric("losses/entropy"), path.metric("losses/entropy"));
  EXPECT_NEAR(own.metric("losses/soft_target_mean"),
              path.metric("losses/soft_target_mean"), 1e-12);
}

} // namespace
} // namespace phlox::rl
