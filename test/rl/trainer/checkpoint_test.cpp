// Damage, full disks and read-only folders cost nothing that was saved before.
#include "test/rl/trainer/run_lqr.h"
#include <csignal>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace phlox::rl::test {
namespace {

using testing::HasSubstr;

TrainerConfig config_of(std::int64_t steps) {
  TrainerConfig config = small_config();
  config.total_timesteps = steps;
  return config;
}

void flip(const fs::path &path) {
  std::string bytes = read_text(path);
  bytes[bytes.size() / 2] ^= 1;
  write_text(path, bytes);
}

std::string newest(const fs::path &run) {
  std::string latest = read_text(run / "checkpoints" / "LATEST");
  return latest.substr(0, latest.find('\n'));
}

TEST(Checkpoint, GoesToTheOneBeforeWhenAFileIsDamaged) {
  for (const char *name :
       {"arena.safetensors", "envs.safetensors", "trainer.json", "replay.json",
        "config.toml", "SUMS", "segment"}) {
    Scratch folder;
    fs::path run = folder.path() / "run";
    ASSERT_EQ(run_lqr(config_of(1500), folder.path()), 0);
    fs::path damaged = run / "checkpoints" / newest(run);
    if (name == std::string("segment")) {
      // the newest is listed by the newest checkpoint alone
      fs::path last;
      for (const auto &entry :
           fs::directory_iterator(run / "checkpoints" / "segments"))
        last = std::max(last, entry.path());
      damaged = last;
    } else {
      damaged /= name;
    }
    flip(damaged);
    testing::internal::CaptureStderr();
    ASSERT_EQ(run_lqr(config_of(2000), folder.path()), 0) << name;
    std::string said = testing::internal::GetCapturedStderr();
    EXPECT_THAT(said, HasSubstr("checkpoint 000001500 is damaged, going to "
                                "the one before"));
    // a flipped sum cannot tell itself from a flipped file
    if (damaged.filename() != "SUMS") {
      EXPECT_THAT(said, HasSubstr(damaged.string()));
    }
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    ASSERT_EQ(run_lqr(config_of(2000), folder.path(), "unbroken"), 0);
    expect_same_run(run, folder.path() / "unbroken");
  }
}

TEST(Checkpoint, RefusesToStartAnewOverDamagedOnes) {
  Scratch folder;
  fs::path run = folder.path() / "run";
  TrainerConfig config = config_of(1000);
  config.checkpoint.every = 0;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  fs::path last = run / "checkpoints" / newest(run);
  fs::remove(last / "SUMS");
  std::string metrics = read_text(run / "metrics.csv");
  for (int attempt = 0; attempt < 2; ++attempt) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(run_lqr(config, folder.path()), 1);
    std::string said = testing::internal::GetCapturedStderr();
    EXPECT_THAT(said, HasSubstr("SUMS"));
    EXPECT_THAT(said, HasSubstr("must hold an intact checkpoint: got 1"));
    EXPECT_TRUE(fs::exists(last / "arena.safetensors"));
    EXPECT_EQ(read_text(run / "metrics.csv"), metrics);
  }
}

TEST(Checkpoint, KeepsAsManyAsAsked) {
  Scratch folder;
  TrainerConfig config = config_of(2000);
  config.checkpoint.keep = 2;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  std::set<std::string> names;
  for (const auto &entry :
       fs::directory_iterator(folder.path() / "run" / "checkpoints"))
    names.insert(entry.path().filename().string());
  EXPECT_THAT(names, testing::ElementsAre("000001800", "000002000", "LATEST",
                                          "best", "segments"));
  verify_checkpoint(folder.path() / "run" / "checkpoints" / "best", {});
}

// runs in a process whose files may not grow beyond a size
int limited(rlim_t bytes, const std::function<int()> &code) {
  pid_t child = fork();
  if (child == 0) {
    struct rlimit limit = {bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(code());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(Checkpoint, OutlivesAFullDisk) {
  Scratch folder;
  fs::path run = folder.path() / "run";
  TrainerConfig config = config_of(600);
  config.log.tensorboard = false;
  config.replay.segment = 2000; // the one file that outgrows the limit
  config.replay.capacity = 2000;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  ASSERT_EQ(newest(run), "000000600");
  config.total_timesteps = 1600;
  // after 857 steps the segment outgrows it: 1400 is the third failure
  int status = limited(12'000, [&] { return run_lqr(config, folder.path()); });
  EXPECT_EQ(status, 1);
  EXPECT_EQ(newest(run), "000000800");
  verify_checkpoint(run / "checkpoints" / "000000800",
                    run / "checkpoints" / "segments");
  std::string log = read_text(run / "log.txt");
  EXPECT_THAT(log, HasSubstr("checkpoint at env step 1000 failed (1 in a row), "
                             "the one before is intact"));
  EXPECT_THAT(log, HasSubstr("stopped at env step 1400"));
  for (const auto &entry : fs::recursive_directory_iterator(run))
    EXPECT_THAT(entry.path().string(), testing::Not(HasSubstr(".tmp-")));
  // with room again, all of it comes
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  ASSERT_EQ(run_lqr(config, folder.path(), "unbroken"), 0);
  expect_same_run(run, folder.path() / "unbroken");
}

TEST(Checkpoint, GoesOnAfterAFailureThatPasses) {
  Scratch folder;
  fs::path run = folder.path() / "run", gone = folder.path() / "gone";
  TrainerConfig config = config_of(1000);
  LqrEnvironment::Options options;
  options.at_step = [&](std::int64_t step) {
    if (step == 140) { // env step 560: nobody can make folders there
      fs::rename(run / "checkpoints", gone);
      write_text(run / "checkpoints", "in the way");
    }
    if (step == 160) {
      fs::remove(run / "checkpoints");
      fs::rename(gone, run / "checkpoints");
    }
  };
  testing::internal::CaptureStderr();
  ASSERT_EQ(run_lqr(config, folder.path(), "run", options), 0);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("checkpoint at env step 600 failed (1 in a row)"));
  EXPECT_EQ(newest(run), "000001000");
  ASSERT_EQ(run_lqr(config, folder.path(), "unbroken"), 0);
  expect_same_run(run, folder.path() / "unbroken");
}

TEST(Checkpoint, ActsAgainWhereReplayWasNotSaved) {
  Scratch folder;
  TrainerConfig config = config_of(1000);
  config.replay.save = false;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  EXPECT_TRUE(fs::is_empty(folder.path() / "run" / "checkpoints" / "segments"));
  config.total_timesteps = 1200;
  testing::internal::CaptureStderr();
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("acting 100 env steps to refill it"));
  auto state = nlohmann::json::parse(final_state(folder.path() / "run"));
  EXPECT_EQ(state["counters"]["env_step"], 1200);
  EXPECT_EQ(state["counters"]["update"], 550);
}

} // namespace
} // namespace phlox::rl::test
