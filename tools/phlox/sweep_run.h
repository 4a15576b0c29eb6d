// One run of a sweep as seen from outside: its folder and its process.
#pragma once
#include "tools/phlox/sweep_plan.h"
#include <optional>
#include <sys/types.h>

namespace phlox::tools {

/// What a run's folder says about how far it is.
struct RunProgress {
  std::int64_t env_step = 0;
  std::optional<double> steps_per_second, episodic_return; // of training
  std::optional<double> evaluation;                        // the last mean
  std::optional<double> final_mean;
  bool finished = false;
};
RunProgress read_progress(const std::filesystem::path &folder,
                          std::int64_t total_timesteps);

/// Returns why an existing folder cannot be gone on with: a configuration
/// that differs; empty if it can, or if there is none.
std::string refuse_folder(const SweepRun &run,
                          const std::filesystem::path &folder);

/// A `phlox train` of its own, in a process group of its own, with its words in
/// OUT/logs/NAME.txt; it ends when this process does.
class TrainProcess {
public:
  /// Starts it, going on from the run's newest checkpoint if there is one.
  ///
  /// Errors:  std::runtime_error if the log or the process cannot be made.
  TrainProcess(const SweepRun &run, const std::filesystem::path &out,
               int threads);
  TrainProcess(TrainProcess &&other) noexcept;
  TrainProcess &operator=(TrainProcess &&) = delete;
  ~TrainProcess();

  /// Returns true once when it has ended.
  bool ended();
  void signal(int number) const;
  /// Returns 0, or the exit status, or 128 + n after signal n.
  int status() const { return status_; }
  /// Returns the last line that it said, or what ended it.
  std::string reason() const;

private:
  std::filesystem::path log_;
  std::uintmax_t said_before_ = 0; // bytes of the log from earlier tries
  pid_t pid_ = -1;
  int status_ = 0;
};

/// Returns the words of the command, from `train` on.
std::vector<std::string> train_command(const SweepRun &run,
                                       const std::filesystem::path &out,
                                       int threads);

} // namespace phlox::tools
