// A run that is killed, damaged or stopped goes on as if it had not been.
#include "rl/trainer/errors.h"
#include "rl/trainer/event_writer.h"
#include "rl/trainer/run_clock.h"
#include "test/rl/trainer/run_lqr.h"
#include <chrono>
#include <csignal>
#include <functional>
#include <gmock/gmock.h>
#include <random>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace phlox::rl::test {
namespace {

// runs code in a process of its own; returns the status of waitpid
class Child {
public:
  explicit Child(const std::function<int()> &code) : pid_(fork()) {
    if (pid_ == 0)
      _exit(code());
  }
  void signal(int number) { kill(pid_, number); }
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    return status;
  }
  bool running() {
    siginfo_t about = {};
    return waitid(P_PID, id_t(pid_), &about, WEXITED | WNOHANG | WNOWAIT) ==
               0 &&
           about.si_pid == 0;
  }

private:
  pid_t pid_;
};

void sleep_us(std::int64_t us) {
  std::this_thread::sleep_for(std::chrono::microseconds(us));
}

TrainerConfig resume_config() {
  TrainerConfig config = small_config();
  config.checkpoint.every = 100;
  return config;
}

// seconds that a whole run takes here
double unbroken(const fs::path &parent, const TrainerConfig &config) {
  RunClock clock;
  EXPECT_EQ(run_lqr(config, parent, "unbroken"), 0);
  return clock.here();
}

TEST(Resume, SurvivesKillsAtRandomMoments) {
  Scratch folder;
  TrainerConfig config = resume_config();
  double seconds = unbroken(folder.path(), config);
  std::mt19937 moments(7);
  int kills = 0;
  for (int run = 0; run < 5; ++run) {
    std::string name = "killed-" + std::to_string(run);
    std::uniform_real_distribution<double> when(0, seconds / 2);
    for (int life = 0; life < 100; ++life) {
      Child child([&] { return run_lqr(config, folder.path(), name); });
      if (life < 10)
        sleep_us(static_cast<std::int64_t>(when(moments) * 1e6));
      if (life < 10)
        child.signal(SIGKILL);
      int status = child.wait();
      kills += WIFSIGNALED(status);
      if (!WIFSIGNALED(status)) {
        ASSERT_EQ(WEXITSTATUS(status), 0);
        break;
      }
    }
    expect_same_run(folder.path() / "unbroken", folder.path() / name);
  }
  EXPECT_GE(kills, 10);
}

TEST(Resume, LeavesNothingBehindAfterKills) {
  Scratch folder;
  TrainerConfig config = resume_config();
  double seconds = unbroken(folder.path(), config);
  std::mt19937 moments(11);
  std::uniform_real_distribution<double> when(0, seconds / 2);
  for (int life = 0; life < 6; ++life) {
    Child child([&] { return run_lqr(config, folder.path(), "killed"); });
    sleep_us(static_cast<std::int64_t>(when(moments) * 1e6));
    child.signal(SIGKILL);
    child.wait();
  }
  ASSERT_EQ(run_lqr(config, folder.path(), "killed"), 0);
  auto names = [&](const std::string &run) {
    std::set<std::string> all;
    for (const auto &entry :
         fs::recursive_directory_iterator(folder.path() / run))
      if (!entry.path().filename().string().starts_with("events."))
        all.insert(fs::relative(entry.path(), folder.path() / run).string());
    return all;
  };
  EXPECT_EQ(names("unbroken"), names("killed"));
}

TEST(Resume, StopsOnSignalsAndGoesOn) {
  Scratch folder;
  TrainerConfig config = resume_config();
  config.total_timesteps = 100'000; // ends by the signal
  config.eval.every = 0;
  const std::pair<int, int> wanted[] = {{SIGINT, 130}, {SIGTERM, 143}};
  for (auto [number, status] : wanted) {
    Child child([&] { return run_lqr(config, folder.path(), "run"); });
    while (!fs::exists(folder.path() / "run" / "metrics.csv"))
      sleep_us(1000);
    sleep_us(20'000);
    child.signal(number);
    int got = child.wait();
    ASSERT_TRUE(WIFEXITED(got));
    EXPECT_EQ(WEXITSTATUS(got), status);
  }
  // where it stopped is no round number; from there to the end
  auto state = nlohmann::json::parse(final_state(folder.path() / "run"));
  config.total_timesteps =
      state["counters"]["env_step"].get<std::int64_t>() / 4 * 4 + 400;
  ASSERT_EQ(run_lqr(config, folder.path(), "run"), 0);
  ASSERT_EQ(run_lqr(config, folder.path(), "unbroken"), 0);
  expect_same_run(folder.path() / "run", folder.path() / "unbroken");
}

TEST(Resume, SecondInterruptEndsAtOnce) {
  Scratch folder;
  TrainerConfig config = resume_config();
  config.total_timesteps = 1'000'000'000;
  config.eval.every = 0;
  LqrEnvironment::Options options;
  options.step_us = 3'000'000; // the first signal waits for this
  Child child([&] { return run_lqr(config, folder.path(), "run", options); });
  while (!fs::exists(folder.path() / "run" / "metrics.csv"))
    sleep_us(1000);
  sleep_us(50'000);
  RunClock clock;
  // two that come before the process runs again are one
  for (int i = 0; i < 100 && child.running(); ++i) {
    child.signal(SIGINT);
    sleep_us(20'000);
  }
  int status = child.wait();
  EXPECT_LT(clock.here(), 2);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_FALSE(fs::exists(folder.path() / "run" / "checkpoints" / "LATEST"));
}

TEST(Resume, SavesAndEvaluatesOnRequest) {
  Scratch folder;
  TrainerConfig config = resume_config();
  config.total_timesteps = 1'000'000'000;
  config.checkpoint.every = 0;
  config.eval.every = 0;
  Child child([&] { return run_lqr(config, folder.path(), "run"); });
  while (!fs::exists(folder.path() / "run" / "metrics.csv"))
    sleep_us(1000);
  child.signal(SIGUSR1);
  fs::path latest = folder.path() / "run" / "checkpoints" / "LATEST";
  for (int i = 0; i < 1000 && !fs::exists(latest); ++i)
    sleep_us(1000);
  EXPECT_TRUE(fs::exists(latest));
  EXPECT_TRUE(child.running());
  auto said = [&] {
    return read_text(folder.path() / "run" / "log.txt").find("on request") !=
           std::string::npos;
  };
  for (int i = 0; i < 1000 && !said(); ++i)
    sleep_us(1000);
  EXPECT_TRUE(said());
  child.signal(SIGKILL);
  child.wait();
}

TEST(Resume, SaysWhereNothingIsLeftToTrain) {
  Scratch folder;
  TrainerConfig config = resume_config();
  config.total_timesteps = 998; // four at a time: 1000 are made
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_lqr(config, folder.path(), "run", {}, Verbosity::normal), 0);
  EXPECT_THAT(
      testing::internal::GetCapturedStdout(),
      testing::HasSubstr("at env step 1000, update 450: nothing is left "
                         "to train of 998 env steps\n"));
  config.total_timesteps = 996;
  const std::string before = read_text(folder.path() / "run/metrics.csv");
  EXPECT_THAT([&] { run_lqr(config, folder.path()); },
              testing::ThrowsMessage<UsageError>(testing::AllOf(
                  testing::HasSubstr("total_timesteps must be at least 1000, "
                                     "the env steps that "),
                  testing::HasSubstr("run has made: got 996"))));
  EXPECT_EQ(read_text(folder.path() / "run/metrics.csv"), before);
}

TEST(Resume, SaysStepsThatEventFilesLost) {
  Scratch folder;
  TrainerConfig config = resume_config();
  config.total_timesteps = 1000;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  config.total_timesteps = 1500;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  std::vector<fs::path> files;
  for (const auto &entry : fs::directory_iterator(folder.path() / "run"))
    if (entry.path().filename().string().starts_with("events."))
      files.push_back(entry.path());
  ASSERT_EQ(files.size(), 2u);
  std::sort(files.begin(), files.end());
  auto first = read_events(files[0]), second = read_events(files[1]);
  EXPECT_FALSE(first[1].restart);
  EXPECT_EQ(second[0].file_version, "brain.Event:2");
  EXPECT_TRUE(second[1].restart);
  EXPECT_EQ(second[1].step, 1001);
}

} // namespace
} // namespace phlox::rl::test
