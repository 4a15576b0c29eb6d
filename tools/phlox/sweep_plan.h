// What a sweep file asks for: tasks x algorithms x settings x seeds.
#pragma once
#include "rl/trainer/config.h"
#include "tools/phlox/setup.h"
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace phlox::tools {

/// One training of a sweep.
struct SweepRun {
  std::string name; // of its folder, unique in the sweep
  Words words;      // algorithm, env, settings
  std::string seed;
  std::int64_t total_timesteps = 0;
  bool own_threads = false; // the file says how many
};

struct SweepPlan {
  std::filesystem::path out; // the folder of run folders
  std::vector<SweepRun> runs;
};

/// Reads a sweep file and resolves every run's configuration.
///
/// Keys:    algorithms, envs (names); seeds (how many, from 1, or a list); out
///          (a folder, [runs/STEM]); plugins (paths); as_published; precision
///          (f32, [high] or bf16); [set] KEY = VALUE for all; [for.NAME] KEY =
///          VALUE for an algorithm or a task; [grid] KEY = [VALUES], every
///          combination of which is run.
/// Errors:  rl::UsageError with file and line: not TOML, unknown, missing or
///          ill-typed keys, empty lists, names given twice, settings that the
///          trainer or the algorithm refuses.
SweepPlan read_sweep(const std::filesystem::path &file);

/// Returns the configuration of a run.
rl::Config config_of(const SweepRun &run);

/// Which runs of a plan this process is to do: those whose number leaves the
/// rest `index` when divided by `count`.
struct Share {
  int index = 0, count = 1;
  int neighbours = 1; // processes of the same launch on this machine
};

/// Reads a share from `I/N` if that is not empty, else from what Slurm arrays
/// and MPI launchers set; `variable` returns the value of an environment
/// variable or an empty text.
///
/// Errors:  rl::UsageError naming the variable.
Share find_share(
    const std::string &words,
    const std::function<std::string(const std::string &)> &variable);

/// Returns how many threads each run gets: what the processes on this machine
/// may use, over the runs that they do side by side; at least 1.
int threads_per_run(int available, int online, const Share &share, int jobs);

} // namespace phlox::tools
