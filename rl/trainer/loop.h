// The training loop. Its state is the counters, the program's arena, the replay
// memory, the environments and the telemetry; nothing else influences a result.
#pragma once
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/telemetry.h"
#include "rl/trainer/trainer.h"
#include <memory>
#include <optional>

namespace phlox::rl {

class Loop {
public:
  Loop(const TrainRequest &request, RunFolder &folder, TextLog &log);

  /// Runs to the end or to a stop; returns the exit status.
  int run(const nlohmann::json &manifest);
  /// Returns why the run ended, for the manifest.
  const std::string &reason() const { return reason_; }
  const Counters &counters() const { return at_; }

private:
  enum class Outcome { going, done, stopped, failed };

  // loop.cpp
  Outcome advance();
  Outcome pause(); // what happens between vector steps: log, evaluate, save
  void collect(bool count);
  Outcome update();
  void refill();
  void introduce(const nlohmann::json &manifest);
  bool stop_requested();
  int finish();

  // loop_evaluation.cpp
  bool evaluate_now();
  void evaluate_on_request();
  bool evaluate_finally();
  double sample_microseconds();
  void write_nan_folder();
  void report_broken();

  // loop_checkpoint.cpp
  void restore();
  bool checkpoint(const char *why);
  void fill_checkpoint(const std::filesystem::path &folder);
  nlohmann::json trainer_state();

  const TrainRequest &request_;
  const TrainerConfig &config_;
  RunFolder &folder_;
  TextLog &log_;
  RunClock clock_;
  Program program_;
  std::unique_ptr<AnyEnvironment> env_;
  Replay replay_;
  Checkpoints checkpoints_;
  std::optional<Telemetry> telemetry_;
  std::optional<Actor> sampler_, evaluator_, single_;
  Counters at_;
  std::vector<float> obs_, action_; // (n, O), (n, A)
  std::int64_t saved_step_ = 0;     // env step of the last checkpoint try
  double saved_at_ = 0;             // its second of this process
  int failures_ = 0;                // checkpoints in a row
  std::int64_t broken_ = 0;         // environment steps that had to be undone
  bool requested_ = false;          // checkpoint and evaluate now
  std::string reason_ = "failed";
};

} // namespace phlox::rl
