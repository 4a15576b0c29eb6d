// The training loop. Its state is the counters, the program's arena, the replay
// memory, the environments and the telemetry; nothing else influences a result.
#pragma once
#include "rl/replay/action_column.h"
#include "rl/trainer/background.h"
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/telemetry.h"
#include "rl/trainer/trainer.h"
#include <memory>
#include <optional>

namespace phlox::rl {

/// How the cores of a run are shared, threads each.
struct CoreShare {
  int all = 1;                   // what the run may use
  int updates = 1, training = 1; // with overlap they sum to `all`
  bool beside = false;           // environments step while updates run
};

/// Counts the cores and shares them out; results do not depend on it.
CoreShare share_cores(const TrainerConfig &config);

/// Makes the environments of training and compares them with the program.
///
/// Errors:  UsageError if they do not fit it.
std::unique_ptr<AnyEnvironment> make_environment(const TrainRequest &request,
                                                 const Program &program,
                                                 int threads);

class Loop {
public:
  /// `manifest` outlives the loop.
  Loop(const TrainRequest &request, RunFolder &folder, TextLog &log,
       const nlohmann::json &manifest);

  /// Goes to where the newest intact checkpoint was, or to the beginning; must
  /// come before run().
  ///
  /// Errors:  std::runtime_error; then no file of the run has changed.
  void restore();
  /// Runs to the end or to a stop; returns the exit status.
  int run();
  /// Returns why the run ended, for the manifest.
  const std::string &reason() const { return reason_; }
  const Counters &counters() const { return at_; }

private:
  enum class Outcome { going, done, stopped, failed };

  // loop.cpp
  Outcome advance();
  Outcome pause(); // what happens between vector steps: log, evaluate, save
  void choose(bool count);
  void take_in(bool count);
  void collect(bool count);
  Outcome collect_beside_updates();
  Outcome catch_up(bool may_stop);
  Outcome update();
  void introduce();
  bool stop_requested();
  int finish();

  // loop_experience.cpp
  std::int64_t due();
  std::int64_t row_to_improve(std::int64_t i) const;
  void draw_stored();
  void store_improved();
  void refill();

  // loop_evaluation.cpp
  bool evaluate_now();
  bool film_now(std::int64_t number);
  void evaluate_on_request();
  bool evaluate_finally();
  double sample_microseconds();
  void write_nan_folder();
  void report_broken(const char *where, std::int64_t now, std::int64_t &said);

  // loop_checkpoint.cpp
  bool checkpoint(const char *why);
  void fill_checkpoint(const std::filesystem::path &folder);
  nlohmann::json trainer_state();

  const TrainRequest &request_;
  const TrainerConfig &config_;
  RunFolder &folder_;
  TextLog &log_;
  const nlohmann::json &manifest_;
  RunClock clock_;
  CoreShare cores_;
  Program program_;
  ProcessMemory held_before_; // a checkpoint was read
  std::unique_ptr<AnyEnvironment> env_;
  PartSums parts_;
  Replay replay_;
  std::optional<ActionColumn> improved_; // beside the replay, if it is wanted
  Checkpoints checkpoints_;
  std::optional<Telemetry> telemetry_;
  std::optional<Actor> sampler_, evaluator_, single_, filmed_;
  Counters at_;
  std::vector<float> obs_, action_; // (n, O), (n, A)
  std::int64_t saved_step_ = 0;     // env step of the last checkpoint try
  double saved_at_ = 0;             // its second of this process
  int failures_ = 0;                // checkpoints in a row
  std::int64_t broken_ = 0;         // environment steps without numbers, said
  std::int64_t eval_broken_ = 0, eval_broken_said_ = 0; // of evaluations
  bool requested_ = false; // checkpoint and evaluate now
  bool films_ = true;      // no film has failed yet
  std::string reason_ = "failed";
  std::unique_ptr<Background> background_; // steps env_; ends before it
};

} // namespace phlox::rl
