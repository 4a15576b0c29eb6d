// Everything a run writes about itself: CSV tables, TensorBoard events,
// result.json and the progress line.
#pragma once
#include "rl/trainer/counters.h"
#include "rl/trainer/csv.h"
#include "rl/trainer/evaluation.h"
#include "rl/trainer/event_writer.h"
#include "rl/trainer/run_clock.h"
#include "rl/trainer/run_folder.h"
#include "rl/trainer/text_log.h"
#include "rl/trainer/trainer_config.h"
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

namespace phlox::rl {

/// One finished training episode.
struct Episode {
  int env = 0;
  double episodic_return = 0;
  int length = 0;
  bool terminated = false, truncated = false;
  std::vector<double> parts = {}; // of the return, (P)
};

/// What is recorded beside what every run has.
struct Series {
  std::vector<std::string> metrics;      // of the program
  std::vector<std::string> reward_parts; // of the task
  bool success = false;                  // the task says it
};

/// What a row of metrics.csv takes from the loop.
struct Gauges {
  std::int64_t replay_size = 0;
  std::int64_t sim_warnings = 0;
};

class Telemetry {
public:
  /// `saved` is what save() returned at the checkpoint that is resumed, null
  /// for a new run.
  Telemetry(const RunFolder &folder, const TrainerConfig &config,
            const Series &series, RunClock &clock, TextLog &log,
            const nlohmann::json &saved);

  void episode(const Counters &at, const Episode &episode);
  /// Remembers the metrics of one update; NaN means 'not computed this time'
  /// and keeps the value before.
  void update(std::span<const float> metrics);
  /// Writes one row of metrics.csv and its events.
  void row(const Counters &at, const Gauges &gauges);
  void evaluation(const Counters &at, const Evaluation &evaluation,
                  double sample_us);
  void final_evaluation(const Counters &at, const Evaluation &evaluation);
  /// Shows progress when the time has come.
  void progress(const Counters &at, bool now = false);
  /// Writes texts to the event file once.
  void text(std::string_view tag, std::string_view markdown);

  /// Returns the best mean of an evaluation so far, -infinity before the first.
  double best() const;
  /// Returns everything needed to go on, byte offsets of the tables included.
  ///
  /// Errors:  runtime::FileError if rows cannot be written.
  nlohmann::json save();

private:
  void result(const Counters &at);
  void note_failure(bool written, const char *what);
  std::string progress_line(const Counters &at) const;
  std::optional<double> metric(std::string_view tag) const;

  const RunFolder &folder_;
  const TrainerConfig &config_;
  std::vector<std::string> names_; // of the program's metrics
  // of the reward's parts: columns, and tags of episodes and evaluations
  std::vector<std::string> parts_, chart_tags_, eval_tags_;
  RunClock &clock_;
  TextLog &log_;

  std::vector<double> values_; // of the program's metrics, NaN: not yet
  std::deque<double> returns_; // of the last 10 episodes
  std::optional<Episode> latest_;
  nlohmann::json evaluations_ = nlohmann::json::array();
  nlohmann::json final_;
  double started_ = 0; // seconds since 1970
  std::unique_ptr<Csv> metrics_, episodes_, evals_;
  std::unique_ptr<EventWriter> events_;

  // since the last row, and since the last progress line
  std::int64_t row_step_ = 0, row_update_ = 0;
  std::int64_t shown_step_ = 0, shown_update_ = 0;
  double shown_at_ = 0;
  bool complained_ = false;
};

} // namespace phlox::rl
