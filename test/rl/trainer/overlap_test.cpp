// Environments that step while updates run: other data than one after the
// other, but the same bits however the threads take turns.
#include "rl/trainer/dry_run.h"
#include "rl/trainer/loop.h"
#include "test/rl/trainer/run_lqr.h"
#include <csignal>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

namespace phlox::rl::test {
namespace {

using testing::HasSubstr;

TrainerConfig overlap_config() {
  TrainerConfig config = small_config();
  config.overlap = true;
  config.threads = 2;
  return config;
}

TEST(Overlap, SharesTheCores) {
  TrainerConfig config = small_config();
  config.threads = 8;
  CoreShare share = share_cores(config);
  EXPECT_FALSE(share.beside);
  EXPECT_EQ(share.updates, 8);
  EXPECT_EQ(share.training, 8);
  config.overlap = true;
  for (int threads : {2, 3, 4, 8, 32})
    for (int envs : {1, 2, 64}) {
      config.threads = threads;
      config.num_envs = envs;
      share = share_cores(config);
      EXPECT_TRUE(share.beside);
      EXPECT_EQ(share.updates + share.training, threads); // never more
      EXPECT_GE(share.updates, 1);
      EXPECT_GE(share.training, 1);
      EXPECT_LE(share.training, envs);
    }
  config.threads = 1;
  EXPECT_FALSE(share_cores(config).beside);
}

TEST(Overlap, Learns) {
  Scratch folder;
  ASSERT_EQ(run_lqr(overlap_config(), folder.path()), 0);
  auto result =
      nlohmann::json::parse(read_text(folder.path() / "run" / "result.json"));
  EXPECT_GT(result["final"]["mean"], -12); // near -24 without control
  auto state = nlohmann::json::parse(final_state(folder.path() / "run"));
  EXPECT_EQ(state["counters"]["update"], 1448); // but for the last round
}

TEST(Overlap, GivesTheSameBitsHoweverThreadsTakeTurns) {
  Scratch folder;
  TrainerConfig config = overlap_config();
  config.total_timesteps = 1000;
  ASSERT_EQ(run_lqr(config, folder.path(), "two"), 0);
  LqrEnvironment::Options slow;
  slow.step_us = 300; // the updates are done long before
  ASSERT_EQ(run_lqr(config, folder.path(), "slow", slow), 0);
  config.threads = 1; // nothing runs beside anything
  ASSERT_EQ(run_lqr(config, folder.path(), "one"), 0);
  expect_same_run(folder.path() / "two", folder.path() / "slow");
  expect_same_run(folder.path() / "two", folder.path() / "one");
  config.overlap = false;
  ASSERT_EQ(run_lqr(config, folder.path(), "apart"), 0);
  EXPECT_NE(final_arena(folder.path() / "one"),
            final_arena(folder.path() / "apart"));
}

TEST(Overlap, GoesOnWhereItWasStopped) {
  Scratch folder;
  TrainerConfig config = overlap_config();
  config.total_timesteps = 1000;
  config.utd = 2; // a stop meets the middle of a round
  LqrEnvironment::Options options;
  options.at_step = [](std::int64_t step) {
    if (step % 60 == 59)
      raise(SIGTERM);
  };
  for (int life = 0; life < 4; ++life)
    ASSERT_EQ(run_lqr(config, folder.path(), "run", options), 143);
  config.total_timesteps = 1200; // and the end may move
  ASSERT_EQ(run_lqr(config, folder.path(), "run"), 0);
  ASSERT_EQ(run_lqr(config, folder.path(), "unbroken"), 0);
  expect_same_run(folder.path() / "run", folder.path() / "unbroken");
}

TEST(Overlap, StopsWhereAStepFails) {
  Scratch folder;
  LqrEnvironment::Options options;
  options.at_step = [](std::int64_t step) {
    if (step == 100)
      throw std::runtime_error("the model must hold: got cracks");
  };
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_lqr(overlap_config(), folder.path(), "run", options), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("stopped at env step 400, update 150: the model must "
                        "hold: got cracks"));
}

TEST(DryRun, DoesOneOfEverythingAndWritesNothing) {
  phlox_executable *loaded = nullptr;
  check(phlox_executable_wrap(lqr_program_query, &loaded));
  std::unique_ptr<phlox_executable, ExecutableDelete> executable(loaded);
  TrainRequest request;
  request.config = small_config();
  request.executable = loaded;
  LqrEnvironment::Options options;
  options.step_us = 200;
  request.environments = environment_factory<LqrEnvironment>(
      [&](const EnvironmentRequest &wanted) {
        return std::make_unique<LqrEnvironment>(wanted, options);
      });
  DryRun took = dry_run(request);
  EXPECT_GE(took.env, 200e-6);
  EXPECT_GE(took.evaluation, 200e-6);
  EXPECT_GT(took.sample, 0);
  EXPECT_GT(took.update, 0);
  // 750 vector steps of .2 ms at least
  EXPECT_GT(took.training(request.config), .15);
  request.config.eval.every = request.config.eval.final_episodes = 0;
  EXPECT_EQ(dry_run(request).evaluation, 0);
  options.reward_scale = 1e36;
  EXPECT_THROW(dry_run(request), std::runtime_error);
}

} // namespace
} // namespace phlox::rl::test
