// Trains the hand-written program of testdata/ for tests.
#pragma once
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/program.h"
#include "rl/trainer/trainer.h"
#include "test/rl/testdata/lqr_program.h"
#include "test/support/lqr_environment.h"
#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace phlox::rl::test {

namespace fs = std::filesystem;

struct ExecutableDelete {
  void operator()(phlox_executable *executable) const {
    phlox_executable_free(executable);
  }
};

/// A folder that vanishes with the test.
class Scratch {
public:
  Scratch() {
    // in memory where that exists: many small syncs
    std::string parent = fs::exists("/dev/shm") ? "/dev/shm" : "/tmp";
    std::string pattern = parent + "/phlox-rl-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~Scratch() { fs::remove_all(path_); }
  const fs::path &path() const { return path_; }

private:
  fs::path path_;
};

/// Settings of a run that takes some 100 ms.
inline TrainerConfig small_config() {
  TrainerConfig config;
  config.algorithm = config.env = "lqr";
  config.hash = "test";
  config.total_timesteps = 3000;
  config.learning_starts = 100;
  config.num_envs = 4;
  config.utd = .5;
  config.threads = 1;
  config.replay.capacity = 1000;
  config.replay.segment = 256;
  config.eval.every = 500;
  config.eval.episodes = 5;
  config.eval.num_envs = 3;
  config.eval.final_episodes = 10;
  config.checkpoint.every = 200;
  config.checkpoint.min_interval = 0;
  config.log.every = 100;
  return config;
}

/// Trains in parent/name, resuming if it is there; returns the exit status.
inline int run_lqr(const TrainerConfig &config, const fs::path &parent,
                   const std::string &name = "run",
                   const LqrEnvironment::Options &options = {},
                   Verbosity verbosity = Verbosity::quiet, Filmer film = {}) {
  phlox_executable *loaded = nullptr;
  check(phlox_executable_wrap(lqr_program_query, &loaded));
  std::unique_ptr<phlox_executable, ExecutableDelete> executable(loaded);
  TrainRequest request;
  request.config = config;
  request.config_toml = "seed = 1\n";
  request.executable = executable.get();
  request.film = std::move(film);
  TextLog log(verbosity);
  RunFolder folder = fs::exists(parent / name)
                         ? RunFolder::open(parent / name)
                         : RunFolder::create(parent, name);
  return train<LqrEnvironment>(
      request,
      [&](const EnvironmentRequest &wanted) {
        return std::make_unique<LqrEnvironment>(wanted, options);
      },
      folder, log);
}

/// Returns a table with the columns of seconds and rates left out.
inline std::string without_time(const fs::path &csv) {
  std::istringstream lines(read_text(csv));
  std::string line, result;
  std::vector<bool> keep;
  while (std::getline(lines, line)) {
    std::istringstream cells(line + ",");
    std::string cell;
    for (std::size_t i = 0; std::getline(cells, cell, ','); ++i) {
      if (result.find('\n') == std::string::npos)
        keep.push_back(cell != "wall_s" && cell.find("SPS") == cell.npos &&
                       cell.find("per_sec") == cell.npos &&
                       !cell.starts_with("time_") && cell != "system_rss_gb");
      if (keep.at(i))
        result += cell + ",";
    }
    result += "\n";
  }
  return result;
}

/// Returns a file of the newest checkpoint.
inline std::string newest_file(const fs::path &run, const char *name) {
  std::string latest = read_text(run / "checkpoints" / "LATEST");
  return read_text(run / "checkpoints" / latest.substr(0, latest.find('\n')) /
                   name);
}
inline std::string final_arena(const fs::path &run) {
  return newest_file(run, "arena.safetensors");
}
inline std::string final_state(const fs::path &run) {
  return newest_file(run, "trainer.json");
}

/// Demands that two runs left the same tables and parameters.
inline void expect_same_run(const fs::path &a, const fs::path &b) {
  for (const char *name : {"metrics.csv", "episodes.csv", "eval.csv"})
    EXPECT_EQ(without_time(a / name), without_time(b / name)) << name;
  EXPECT_EQ(final_arena(a), final_arena(b));
}

} // namespace phlox::rl::test
