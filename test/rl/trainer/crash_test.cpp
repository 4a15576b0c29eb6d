// A run that is killed at any step of writing to the disk goes on as if it had
// not been.
#include "test/rl/trainer/run_lqr.h"
#include <csignal>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// calls that decide what a reader finds, counted; before one the process dies
int calls = 0, die_at = -1;

long counted(long number, long a, long b = 0, long c = 0, long d = 0,
             long e = 0) {
  if (++calls == die_at)
    raise(SIGKILL);
  return syscall(number, a, b, c, d, e);
}

} // namespace

// in place of the C library's, for this program and the libraries it loads
extern "C" {
int fsync(int fd) { return int(counted(SYS_fsync, fd)); }
int fdatasync(int fd) { return int(counted(SYS_fdatasync, fd)); }
int rename(const char *from, const char *to) noexcept {
  return int(counted(SYS_rename, long(from), long(to)));
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to,
              unsigned flags) noexcept {
  return int(counted(SYS_renameat2, from_folder, long(from), to_folder,
                     long(to), long(flags)));
}
}

namespace phlox::rl::test {
namespace {

TrainerConfig crash_config() {
  TrainerConfig config = small_config();
  config.total_timesteps = 300;
  config.learning_starts = 40;
  config.replay.capacity = 200; // two segments, and the ring goes round
  config.replay.segment = 64;
  config.eval.every = 200;
  config.eval.episodes = 1;
  config.eval.final_episodes = 1;
  config.checkpoint.every = 100;
  config.checkpoint.keep = 2;
  config.log.every = 20;
  config.log.tensorboard = false;
  return config;
}

// returns true if the run ended by itself
bool run_until(int call, const fs::path &parent, const std::string &name) {
  pid_t child = fork();
  if (child == 0) {
    calls = 0;
    die_at = call;
    _exit(run_lqr(crash_config(), parent, name));
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << call;
  return WIFEXITED(status);
}

TEST(Crash, AtEveryStepOfWritingLosesNothing) {
  Scratch folder;
  ASSERT_TRUE(run_until(-1, folder.path(), "whole"));
  const fs::path whole = folder.path() / "whole";
  int kills = 0;
  for (int call = 1;; ++call) {
    const std::string name = std::to_string(call);
    if (run_until(call, folder.path(), name))
      break;
    ++kills;
    ASSERT_TRUE(run_until(-1, folder.path(), name)) << name;
    const fs::path run = folder.path() / name;
    expect_same_run(whole, run);
    // the list of segments holds their sums: no transition is lost or doubled
    ASSERT_EQ(newest_file(whole, "replay.json"),
              newest_file(run, "replay.json"));
    for (const auto &entry : fs::recursive_directory_iterator(run))
      ASSERT_EQ(entry.path().string().find(".tmp-"), std::string::npos)
          << entry.path();
    fs::remove_all(run);
  }
  // each checkpoint syncs and renames eight files and two segments
  EXPECT_GT(kills, 100);
}

TEST(Crash, WhileSavingTheEnvironmentsLosesNothing) {
  Scratch folder;
  ASSERT_TRUE(run_until(-1, folder.path(), "whole"));
  // twice in one run: each time in the middle of a checkpoint
  for (std::int64_t step : {25, 50}) {
    pid_t child = fork();
    if (child == 0) {
      LqrEnvironment::Options options;
      options.at_save = [&](std::int64_t steps) {
        if (steps == step)
          raise(SIGKILL);
      };
      _exit(run_lqr(crash_config(), folder.path(), "killed", options));
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
  }
  ASSERT_TRUE(run_until(-1, folder.path(), "killed"));
  expect_same_run(folder.path() / "whole", folder.path() / "killed");
}

} // namespace
} // namespace phlox::rl::test
