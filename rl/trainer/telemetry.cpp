#include "rl/trainer/telemetry.h"
#include "rl/trainer/process_memory.h"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>

namespace phlox::rl {
namespace {

using nlohmann::json;
using Scalars = std::vector<std::pair<std::string, double>>;

constexpr int result_schema = 1;
constexpr std::size_t remembered_returns = 10;
constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

double seconds_since_1970() {
  return std::chrono::duration<double>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// JSON has no NaN and no infinity
json number(double value) {
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  return std::isnan(value) ? json(nullptr) : json(value);
}

double from_number(const json &value) {
  if (value.is_string())
    return value == "-inf" ? -INFINITY : INFINITY;
  return value.is_null() ? nothing : value.get<double>();
}

std::string cell(double value) {
  return std::isnan(value) ? "" : fmt::format("{}", value);
}

std::string column(std::string tag) {
  std::replace(tag.begin(), tag.end(), '/', '_');
  return tag;
}

// a part's column, and its tag behind charts/ or eval/
std::string part_column(const std::string &part) {
  return part.starts_with("reward_") ? part : "reward_" + part;
}

// a row in the order of the table: one that another version began keeps its
// columns
std::string in_order(const Csv &table,
                     std::map<std::string, std::string> &cells) {
  std::vector<std::string> line;
  for (const std::string &name : table.columns())
    line.push_back(cells[name]);
  return fmt::format("{}", fmt::join(line, ","));
}

double resident_gb() {
  const std::int64_t now = process_memory().now;
  return now ? static_cast<double>(now) / 1e9 : nothing;
}

double rate(double count, double seconds) {
  return seconds > 0 ? count / seconds : 0;
}

// the tags of a row that come from the host; `metric` tags lie between
const std::vector<std::string> &host_tags() {
  static const std::vector<std::string> tags = [] {
    std::vector<std::string> all = {"charts/episodic_return",
                                    "charts/episodic_length",
                                    "charts/SPS",
                                    "charts/SPS_window",
                                    "charts/updates_per_sec",
                                    "charts/replay_size",
                                    "charts/sim_warnings",
                                    "charts/nan_guard",
                                    "system/rss_gb"};
    for (const char *part : part_names)
      all.push_back(fmt::format("time/{}", part));
    all.push_back("time/other");
    return all;
  }();
  return tags;
}

} // namespace

Telemetry::Telemetry(const RunFolder &folder, const TrainerConfig &config,
                     const Series &series, RunClock &clock, TextLog &log,
                     const json &saved)
    : folder_(folder), config_(config), names_(series.metrics), clock_(clock),
      log_(log), values_(names_.size(), nothing),
      started_(seconds_since_1970()) {
  std::int64_t offsets[3] = {-1, -1, -1}, restart = -1;
  if (!saved.is_null()) {
    for (const json &value : saved.at("returns"))
      returns_.push_back(from_number(value));
    if (const json &row = saved.at("latest"); !row.is_null()) {
      latest_ = Episode{0, from_number(row.at(0)), row.at(1).get<int>()};
      for (std::size_t i = 2; i < row.size(); ++i)
        latest_->parts.push_back(from_number(row[i]));
      latest_->parts.resize(series.reward_parts.size(), nothing);
    }
    // another artifact may have other metrics
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (const json &all = saved.at("metrics"); all.contains(names_[i]))
        values_[i] = from_number(all[names_[i]]);
    evaluations_ = saved.at("evaluations");
    final_ = saved.at("final");
    started_ = saved.at("started").get<double>();
    clock_.set_before(saved.at("seconds").get<double>());
    for (int i = 0; i < 3; ++i)
      offsets[i] = saved.at("offsets").at(i).get<std::int64_t>();
    row_step_ = saved.at("row").at(0).get<std::int64_t>();
    row_update_ = saved.at("row").at(1).get<std::int64_t>();
    restart = saved.at("env_step").get<std::int64_t>() + 1;
  }
  std::string header = "env_step,update,wall_s";
  for (const std::string &tag : host_tags())
    header += "," + column(tag);
  std::string episode_header =
      "env_step,env,return,length,terminated,truncated,wall_s";
  for (const std::string &part : series.reward_parts) {
    parts_.push_back(part_column(part));
    chart_tags_.push_back("charts/" + parts_.back());
    eval_tags_.push_back("eval/" + parts_.back());
    header += "," + column(chart_tags_.back());
    episode_header += "," + parts_.back();
  }
  for (const std::string &name : names_)
    if (name != "nonfinite")
      header += "," + column(name);
  metrics_ =
      std::make_unique<Csv>(folder.file("metrics.csv"), header, offsets[0]);
  episodes_ = std::make_unique<Csv>(folder.file("episodes.csv"), episode_header,
                                    offsets[1]);
  evals_ = std::make_unique<Csv>(
      folder.file("eval.csv"),
      std::string("env_step,update,wall_s,mean,sd,min,max,iqm,length,returns") +
          (series.success ? ",success" : ""),
      offsets[2]);
  for (const Csv *table : {metrics_.get(), episodes_.get(), evals_.get()})
    if (!table->complaint().empty())
      log_.warn(table->complaint());
  if (config.log.tensorboard)
    events_ = std::make_unique<EventWriter>(folder.path().string(), started_,
                                            clock_.seconds(), restart);
}

void Telemetry::note_failure(bool written, const char *what) {
  if (events_ && !events_->failure().empty() && !complained_) {
    complained_ = true;
    log_.warn(events_->failure() + "; no more events, the run goes on");
  }
  if (!written && !complained_) {
    complained_ = true;
    log_.warn(fmt::format("{} cannot be written now; its rows wait in memory",
                          folder_.file(what)));
  }
}

void Telemetry::episode(const Counters &at, const Episode &episode) {
  latest_ = episode;
  returns_.push_back(episode.episodic_return);
  if (returns_.size() > remembered_returns)
    returns_.pop_front();
  double now = clock_.seconds();
  std::map<std::string, std::string> cells = {
      {"env_step", fmt::format("{}", at.env_step)},
      {"env", fmt::format("{}", episode.env)},
      {"return", fmt::format("{}", episode.episodic_return)},
      {"length", fmt::format("{}", episode.length)},
      {"terminated", fmt::format("{:d}", episode.terminated)},
      {"truncated", fmt::format("{:d}", episode.truncated)},
      {"wall_s", fmt::format("{:.3f}", now)}};
  std::vector<EventWriter::Scalar> scalars = {
      {"charts/episodic_return", episode.episodic_return},
      {"charts/episodic_length", double(episode.length)}};
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    cells[parts_[i]] = cell(episode.parts[i]);
    if (!std::isnan(episode.parts[i]))
      scalars.push_back({chart_tags_[i], episode.parts[i]});
  }
  bool written = episodes_->row(in_order(*episodes_, cells));
  if (events_)
    events_->scalars(scalars, at.env_step, now);
  note_failure(written, "episodes.csv");
  log_.detail(fmt::format("env step {}: environment {} returned {:.1f} in {} "
                          "steps",
                          at.env_step, episode.env, episode.episodic_return,
                          episode.length));
}

void Telemetry::update(std::span<const float> metrics) {
  for (std::size_t i = 0; i < metrics.size(); ++i)
    if (!std::isnan(metrics[i]))
      values_[i] = metrics[i];
}

std::optional<double> Telemetry::metric(std::string_view tag) const {
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (names_[i] == tag && !std::isnan(values_[i]))
      return values_[i];
  return std::nullopt;
}

void Telemetry::row(const Counters &at, const Gauges &gauges) {
  RunClock::Window window = clock_.window();
  double now = clock_.seconds();
  std::vector<double> host = {
      latest_ ? latest_->episodic_return : nothing,
      latest_ ? double(latest_->length) : nothing,
      rate(double(at.env_step), now),
      rate(double(at.env_step - row_step_), window.training()),
      rate(double(at.update - row_update_), window.training()),
      double(gauges.replay_size),
      double(gauges.sim_warnings),
      metric("nonfinite").value_or(0),
      resident_gb()};
  double other = 1;
  for (double spent : window.spent) {
    host.push_back(rate(spent, window.seconds));
    other -= host.back();
  }
  host.push_back(std::max(0.0, other));
  std::map<std::string, std::string> cells = {
      {"env_step", fmt::format("{}", at.env_step)},
      {"update", fmt::format("{}", at.update)},
      {"wall_s", fmt::format("{:.3f}", now)}};
  std::vector<EventWriter::Scalar> scalars;
  auto add = [&](const std::string &tag, double value, bool event) {
    cells[column(tag)] = cell(value);
    if (event && !std::isnan(value))
      scalars.push_back({tag, value});
  };
  // the first two have an event of their own at each episode
  for (std::size_t i = 0; i < host.size(); ++i)
    add(host_tags()[i], host[i], i >= 2);
  for (std::size_t i = 0; i < parts_.size() && latest_; ++i)
    add(chart_tags_[i], latest_->parts[i], false);
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (names_[i] != "nonfinite")
      add(names_[i], values_[i], true);
  row_step_ = at.env_step;
  row_update_ = at.update;
  bool written = metrics_->row(in_order(*metrics_, cells));
  if (events_)
    events_->scalars(scalars, at.env_step, now);
  note_failure(written, "metrics.csv");
}

void Telemetry::evaluation(const Counters &at, const Evaluation &evaluation,
                           double sample_us) {
  Summary summary = summarize(evaluation.returns);
  double length = 0;
  for (int one : evaluation.lengths)
    length += one / double(evaluation.lengths.size());
  double now = clock_.seconds();
  std::map<std::string, std::string> cells = {
      {"env_step", fmt::format("{}", at.env_step)},
      {"update", fmt::format("{}", at.update)},
      {"wall_s", fmt::format("{:.3f}", now)},
      {"mean", fmt::format("{}", summary.mean)},
      {"sd", fmt::format("{}", summary.sd)},
      {"min", fmt::format("{}", summary.min)},
      {"max", fmt::format("{}", summary.max)},
      {"iqm", fmt::format("{}", summary.iqm)},
      {"length", fmt::format("{}", length)},
      {"returns", fmt::format("{}", fmt::join(evaluation.returns, " "))}};
  const bool success = !evaluation.success.empty();
  if (success)
    cells["success"] = fmt::format("{}", mean_success(evaluation));
  bool written = evals_->row(in_order(*evals_, cells));
  if (events_) {
    std::vector<EventWriter::Scalar> scalars = {
        {"eval/episodic_return", summary.mean},
        {"eval/return_sd", summary.sd},
        {"eval/return_min", summary.min},
        {"eval/return_max", summary.max},
        {"eval/length", length}};
    if (success)
      scalars.push_back({"eval/success", mean_success(evaluation)});
    const std::vector<double> parts = mean_parts(evaluation);
    for (std::size_t i = 0; i < parts.size(); ++i)
      scalars.push_back({eval_tags_[i], parts[i]});
    if (sample_us > 0)
      scalars.push_back({"eval/sample_us", sample_us});
    events_->scalars(scalars, at.env_step, now);
  }
  json returns = json::array();
  for (double value : evaluation.returns)
    returns.push_back(number(value));
  evaluations_.push_back({{"step", at.env_step},
                          {"mean", number(summary.mean)},
                          {"returns", returns}});
  note_failure(written, "eval.csv");
  result(at);
}

void Telemetry::final_evaluation(const Counters &at,
                                 const Evaluation &evaluation) {
  Summary summary = summarize(evaluation.returns);
  json returns = json::array();
  for (double value : evaluation.returns)
    returns.push_back(number(value));
  final_ = {{"step", at.env_step},
            {"mean", number(summary.mean)},
            {"sd", number(summary.sd)},
            {"iqm", number(summary.iqm)},
            {"min", number(summary.min)},
            {"max", number(summary.max)},
            {"episodes", returns.size()},
            {"returns", returns},
            {"sim_warnings", evaluation.broken}};
  if (!evaluation.success.empty())
    final_["success"] = mean_success(evaluation);
  result(at);
}

void Telemetry::result(const Counters &at) {
  json steps = json::array(), returns = json::array();
  for (const json &one : evaluations_) {
    steps.push_back(one.at("step"));
    returns.push_back(one.at("returns"));
  }
  json all = {{"schema", result_schema},
              {"env", config_.env},
              {"algorithm", config_.algorithm},
              {"seed", config_.seed},
              {"steps", steps},
              {"returns", returns},
              {"final", final_},
              {"env_step", at.env_step},
              {"update", at.update},
              {"wall_s", clock_.seconds()},
              {"sps", rate(double(at.env_step), clock_.seconds())},
              {"config_hash", config_.hash}};
  std::string text = all.dump(1) + "\n";
  bool written = true;
  try {
    runtime::write_file_atomically(folder_.file("result.json"),
                                   std::as_bytes(std::span(text)));
  } catch (const runtime::FileError &) {
    written = false;
  }
  note_failure(written, "result.json");
}

void Telemetry::text(std::string_view tag, std::string_view markdown) {
  if (events_)
    events_->text(tag, markdown, 0, clock_.seconds());
}

double Telemetry::best() const {
  double best = -std::numeric_limits<double>::infinity();
  for (const json &one : evaluations_)
    if (one.at("mean").is_number())
      best = std::max(best, one.at("mean").get<double>());
  return best;
}

json Telemetry::save() {
  json metrics = json::object(), returns = json::array(), latest;
  for (std::size_t i = 0; i < names_.size(); ++i)
    metrics[names_[i]] = number(values_[i]);
  for (double value : returns_)
    returns.push_back(number(value));
  if (latest_) {
    latest = {number(latest_->episodic_return), latest_->length};
    for (double part : latest_->parts)
      latest.push_back(number(part));
  }
  return {{"returns", returns},
          {"latest", latest},
          {"metrics", metrics},
          {"evaluations", evaluations_},
          {"final", final_},
          {"started", started_},
          {"seconds", clock_.seconds()},
          {"offsets", {metrics_->sync(), episodes_->sync(), evals_->sync()}},
          {"row", {row_step_, row_update_}}};
}

} // namespace phlox::rl
