// How a run ends when it cannot or must not go on.
#include "rl/trainer/errors.h"
#include "runtime/safetensors.h"
#include "test/rl/trainer/run_lqr.h"
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

namespace phlox::rl::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Stop, LeavesStateAndBatchWhenAnUpdateIsNotFinite) {
  Scratch folder;
  TrainerConfig config = small_config();
  LqrEnvironment::Options options;
  options.reward_scale = 1e36; // finite, but its square is not
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_lqr(config, folder.path(), "run", options), 1);
  std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("update 0 (env step 104): train_step must meet "
                              "only finite losses and gradients"));
  fs::path nan = folder.path() / "run" / "nan";
  auto batch = runtime::read_safetensors((nan / "batch.safetensors").string());
  ASSERT_NE(batch.find("next_obs"), nullptr);
  EXPECT_EQ(batch.find("next_obs")->shape, (std::vector<std::int64_t>{32, 1}));
  auto state = runtime::read_safetensors((nan / "state.safetensors").string());
  ASSERT_NE(state.find("step"), nullptr);
  EXPECT_EQ(state.find("step")->data[0], std::byte{0}); // nothing was updated
  EXPECT_THAT(read_text(nan / "reproduce.txt"), HasSubstr("phlox run"));
  auto manifest =
      nlohmann::json::parse(read_text(folder.path() / "run" / "manifest.json"));
  EXPECT_EQ(manifest["exit_status"], 1);
  EXPECT_EQ(manifest["exit_reason"], "not finite at update 0");
}

TEST(Stop, NamesTheStepOfABrokenReward) {
  Scratch folder;
  LqrEnvironment::Options options;
  options.bad_reward_at = 100;
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_lqr(small_config(), folder.path(), "run", options), 1);
  EXPECT_THAT(
      testing::internal::GetCapturedStderr(),
      HasSubstr("environment 0 must give rewards that float32 holds: got "
                "inf after env step 400"));
  // the last good checkpoint stays
  EXPECT_EQ(read_text(folder.path() / "run" / "checkpoints" / "LATEST"),
            "000000400\n");
}

TEST(Stop, RefusesSettingsThatTheProgramDoesNotServe) {
  Scratch folder;
  TrainerConfig config = small_config();
  config.num_envs = 5;
  EXPECT_THAT([&] { run_lqr(config, folder.path()); },
              ThrowsMessage<UsageError>(
                  HasSubstr("must have an entry point 'sample_5': got "
                            "sample_1, sample_4")));
  EXPECT_FALSE(fs::exists(folder.path() / "run"));
  config = small_config();
  config.eval.num_envs = 2;
  EXPECT_THAT([&] { run_lqr(config, folder.path()); },
              ThrowsMessage<UsageError>(HasSubstr("'evaluate_2'")));
}

TEST(Stop, TimeLimitEndsWellAndResumes) {
  Scratch folder;
  TrainerConfig config = small_config();
  config.stop_after = 1e-9;
  for (int life = 0; life < 3; ++life)
    ASSERT_EQ(run_lqr(config, folder.path()), 0);
  auto state = nlohmann::json::parse(final_state(folder.path() / "run"));
  EXPECT_LT(state["counters"]["env_step"], 100);
  config.stop_after = 0;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  ASSERT_EQ(run_lqr(config, folder.path(), "unbroken"), 0);
  expect_same_run(folder.path() / "run", folder.path() / "unbroken");
}

TEST(Stop, InterruptedEvaluationIsDoneAgain) {
  Scratch folder;
  TrainerConfig config = small_config();
  config.checkpoint.every = 0;
  config.total_timesteps = 1000;
  LqrEnvironment::Options options;
  options.at_evaluation = [](std::int64_t step) {
    if (step == 50)
      raise(SIGTERM);
  };
  for (int life = 0; life < 2; ++life)
    ASSERT_EQ(run_lqr(config, folder.path(), "run", options), 143);
  EXPECT_EQ(without_time(folder.path() / "run" / "eval.csv"),
            "env_step,update,mean,sd,min,max,iqm,length,returns,\n");
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  ASSERT_EQ(run_lqr(config, folder.path(), "unbroken"), 0);
  expect_same_run(folder.path() / "run", folder.path() / "unbroken");
}

TEST(Folder, IsWrittenByOneTrainer) {
  Scratch folder;
  TrainerConfig config = small_config();
  RunFolder mine = RunFolder::create(folder.path(), "run");
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  EXPECT_THAT([&] { RunFolder::open(folder.path() / "run"); },
              ThrowsMessage<std::runtime_error>(HasSubstr(
                  "must have no other trainer at work (host, process): got " +
                  std::string(host) + " " + std::to_string(getpid()))));
  EXPECT_THAT([&] { RunFolder::create(folder.path(), "run"); },
              ThrowsMessage<UsageError>(HasSubstr("must be a new folder")));
}

TEST(Folder, IsFound) {
  Scratch folder;
  EXPECT_EQ(run_name("Ant-v5", "sac", 3, 1795254312),
            "Ant-v5__sac__3__20261121-094512");
  EXPECT_THROW(find_run(folder.path()), UsageError);
  EXPECT_EQ(latest_run(folder.path(), "e", "a", 1), fs::path());
  fs::path old = folder.path() / "e__a__1__20200101-000000";
  fs::create_directories(old / "checkpoints");
  EXPECT_EQ(find_run(folder.path()), old);
  EXPECT_EQ(find_run(old), old);
  write_text(old / "checkpoints" / "LATEST", "000000001\n");
  for (const char *name : {"e__a__1__20210101-000000", // no checkpoint
                           "e__a__2__20220101-000000", // another seed
                           "f__a__1__20230101-000000"})
    fs::create_directories(folder.path() / name / "checkpoints");
  EXPECT_EQ(latest_run(folder.path(), "e", "a", 1), old);
  EXPECT_THROW(find_run(folder.path()), UsageError);
}

} // namespace
} // namespace phlox::rl::test
