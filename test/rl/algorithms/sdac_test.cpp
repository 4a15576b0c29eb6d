// What sdac.cpp's header numbers of its own; sampled_policy_test.cpp has what
// policies without a density number in common, diffusion_test.cpp the posterior
// of noise and the sampler.
#include "rl/algorithms/settings.h"
#include "test/rl/algorithms/support.h"

namespace phlox::rl {
namespace {

using test::Tensors;

TEST(Sdac, MeanNoise) {
  // a K-th of loss and gradient; over K = 5 draws both have one direction
  StoredProgram sum("sdac"), mean("sdac", {{"k_reduction", "mean"}});
  Tensors whole = sum.run(), part = mean.run();
  for (const char *name : {"losses/denoise_loss", "losses/grad_norm_actor"})
    EXPECT_NEAR(part.at(name).reals[0], whole.at(name).reals[0] / 5, 1e-7);
}

TEST(Sdac, StoredActions) {
  StoredProgram stored("sdac", {{"path_actions", "stored"}});
  StoredProgram policy("sdac");
  auto moves = [](StoredProgram &program) {
    double before = program.metric("losses/denoise_loss");
    for (double &a : program.argument("action"))
      a = -a;
    return program.metric("losses/denoise_loss") != before;
  };
  EXPECT_TRUE(moves(stored));
  EXPECT_FALSE(moves(policy));
  auto inputs = test::input_types(*stored.module, "train_step");
  EXPECT_FALSE(inputs.contains("train_step/policy_base"));
}

TEST(Sdac, ProposalsOfAnyNoise) {
  // points far outside of the box: weights stay numbers, both ways
  for (const char *proposal : {"truncated", "clipped"}) {
    StoredProgram program("sdac", {{"proposal_noise", proposal}});
    for (double scale : {20., -20., 300.}) {
      program.argument("train_step/path").assign(12, scale);
      Tensors results = program.run();
      EXPECT_EQ(results.at("nonfinite").reals[0], 0) << proposal << scale;
      EXPECT_GE(results.at("losses/ess_mean").reals[0], 1);
    }
  }
}

TEST(Sdac, TemperatureEndsWhereNoiseHasItsGoal) {
  // the slope of log alpha is H(N(0, (entropy_std alpha)^2)) + .8 A
  StoredProgram program("sdac");
  double end = std::exp(-.8) / (.3 * std::sqrt(2 * M_PI * M_E));
  for (double factor : {.5, 1., 2.}) {
    program.argument("leaf:log_alpha") = {std::log(end * factor)};
    Tensors results = program.run();
    double excess = results.at("losses/entropy").reals[0] -
                    results.at("losses/target_entropy").reals[0];
    EXPECT_NEAR(excess, 2 * std::log(factor), 1e-6);
  }
}

TEST(Sdac, TimesMustBeInOrder) {
  EXPECT_THROW(StoredProgram("sdac", {{"time_min", .98}}), SettingsError);
}

} // namespace
} // namespace phlox::rl
