#include "tools/report/run.h"
#include "rl/json.h"
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/errors.h"
#include "rl/trainer/evaluation.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>

namespace phlox::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double closeness = 1e-9; // relative, between a mean and its returns

bool is_run(const fs::path &path) {
  std::error_code ignored;
  return fs::exists(path / "config.toml", ignored);
}

// a folder of sweeps holds folders of runs
constexpr int deepest_folder = 3;

void find_runs_in(const fs::path &path, int depth,
                  std::vector<fs::path> &runs) {
  std::error_code error;
  for (const auto &entry : fs::directory_iterator(path, error))
    if (is_run(entry.path()))
      runs.push_back(entry.path());
    else if (depth < deepest_folder && entry.is_directory(error) &&
             !entry.is_symlink(error) &&
             !entry.path().filename().string().starts_with('.') &&
             !fs::exists(entry.path() / "checkpoints", error))
      find_runs_in(entry.path(), depth + 1, runs);
}

class RunReader {
public:
  explicit RunReader(Run &run) : run_(run) {}

  void read_all() {
    run_.metrics = table("metrics.csv", {"env_step", "update", "wall_s"});
    run_.episodes =
        table("episodes.csv", {"env_step", "env", "return", "length"});
    run_.eval = table("eval.csv", {"env_step", "update", "wall_s", "mean", "sd",
                                   "min", "max", "iqm", "length", "returns"});
    evaluations();
    manifest();
    result();
    policies();
    if (run_.ended() && run_.last.empty())
      note("result.json must hold a final evaluation: got none, its last "
           "evaluation is shown");
    if (run_.evaluations.empty() && run_.last.empty())
      note("a learning curve must have evaluations: got none, the episodes of "
           "training are shown");
    else if (run_.evaluations.size() == 1)
      note("a learning curve must have two evaluations: got one, a point is "
           "shown");
  }

private:
  void note(const std::string &text) {
    run_.notes.push_back(fmt::format("{}: {}", run_.name, text));
  }

  std::string file(const char *name) { return (run_.path / name).string(); }

  bool read(const char *name, std::string &text) {
    try {
      text = rl::read_text(run_.path / name);
      return true;
    } catch (const std::exception &error) {
      run_.notes.emplace_back(error.what());
      return false;
    }
  }

  Table table(const char *name, const std::vector<std::string> &required) {
    std::string text;
    if (!read(name, text))
      return {};
    Table table = read_table(file(name), text, required);
    if (!table.damage.empty())
      run_.notes.push_back(fmt::format("{}; {} whole rows are used",
                                       table.damage, table.size()));
    if (table.not_finite > 0)
      run_.notes.push_back(fmt::format(
          "{}: numbers must be finite: got {} that are not, left out of curves",
          file(name), table.not_finite));
    return table;
  }

  void evaluations() {
    const Table &t = run_.eval;
    for (std::size_t i = 0; i < t.size(); i++) {
      auto at = [&](const char *name) {
        const auto *column = t.find(name);
        return column ? (*column)[i] : NAN;
      };
      run_.evaluations.push_back({at("env_step"), at("wall_s"), at("mean"),
                                  at("sd"), at("min"), at("max"), at("iqm"),
                                  t.lists[i], at("success")});
      compare(fmt::format("{}:{}", file("eval.csv"), i + 2),
              run_.evaluations.back());
    }
  }

  void compare(const std::string &where, const EvaluationRow &row) {
    const double mean = rl::summarize(row.returns).mean;
    if (std::isfinite(mean) &&
        !(std::abs(mean - row.mean) <= closeness * (1 + std::abs(mean))))
      run_.notes.push_back(
          fmt::format("{}: the mean must be that of its {} returns, {}: got {}",
                      where, row.returns.size(), mean, row.mean));
  }

  // an object, or a note and nothing
  json object(const char *name, std::string &text) {
    if (!read(name, text))
      return nullptr;
    json found = rl::parse_json(text);
    if (found.is_object())
      return found;
    run_.notes.push_back(
        fmt::format("{}: must be a JSON object: got {}", file(name),
                    found.is_discarded() ? "text that is not JSON or too deep"
                                         : found.type_name()));
    return nullptr;
  }

  static std::string text(const json &object, const char *name) {
    const auto at = object.find(name);
    return at != object.end() && at->is_string() ? at->get<std::string>()
                                                 : std::string();
  }

  void manifest() {
    std::string whole;
    const json found = object("manifest.json", whole);
    if (!found.is_object())
      return;
    run_.manifest = whole; // as it stands: valid JSON is valid UTF-8
    run_.version = text(found, "phlox");
    run_.compiler = text(found, "compiler");
    run_.mujoco = text(found, "mujoco");
    run_.host = text(found, "host");
    run_.cpu = text(found, "cpu");
    run_.artifact_hash = text(found, "artifact_hash");
    run_.precision = text(found, "precision");
    run_.start = text(found, "start");
    run_.end = text(found, "end");
    run_.exit_reason = text(found, "exit_reason");
    const auto keys = found.find("as_published");
    if (keys != found.end() && keys->is_array())
      for (const json &key : *keys)
        if (key.is_string())
          run_.as_published.insert(key);
    if (!run_.ended())
      note("a finished run's manifest must have an end: got none, so the run "
           "is in progress or was killed; it is shown as far as it went");
  }

  void result() {
    std::error_code ignored;
    // written by the first evaluation
    if (!fs::exists(run_.path / "result.json", ignored) &&
        (!run_.ended() || run_.evaluations.empty()))
      return;
    std::string whole;
    const json found = object("result.json", whole);
    const auto final = found.find("final");
    if (!found.is_object() || final == found.end() || final->is_null())
      return;
    EvaluationRow row;
    const auto step = final->find("step"), returns = final->find("returns");
    bool good = final->is_object() && step != final->end() &&
                step->is_number() && returns != final->end() &&
                returns->is_array() && !returns->empty();
    if (good)
      for (const json &one : *returns)
        if (one.is_number())
          row.returns.push_back(one.get<double>());
    good = good && row.returns.size() == returns->size();
    if (!good) {
      run_.notes.push_back(
          fmt::format("{}: 'final' must hold a step and returns, all of them "
                      "numbers: got another shape",
                      file("result.json")));
      return;
    }
    const auto summary = rl::summarize(row.returns);
    row.env_step = step->get<double>();
    if (const auto success = final->find("success");
        success != final->end() && success->is_number())
      row.success = success->get<double>();
    const auto stated = final->find("mean");
    row.mean = stated != final->end() && stated->is_number()
                   ? stated->get<double>()
                   : summary.mean;
    compare(file("result.json"), row);
    row.mean = summary.mean;
    row.sd = summary.sd;
    row.min = summary.min;
    row.max = summary.max;
    row.iqm = summary.iqm;
    row.wall_s = run_.wall_s();
    run_.last.push_back(std::move(row));
  }

  // evaluations by hand: each file for itself, other files are no business
  void policies() {
    std::vector<fs::path> files;
    std::error_code ignored;
    for (const auto &entry : fs::directory_iterator(run_.path, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("eval-") && name.ends_with(".json"))
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path &path : files) {
      const std::string name = path.filename().string();
      std::string whole;
      const json found = object(name.c_str(), whole);
      if (!found.is_object())
        continue;
      try {
        PolicyRow row;
        row.file = name;
        // a policy without these keys evaluates its network once
        row.nfe = found.value("nfe", std::int64_t{1});
        row.particles = found.value("particles", std::int64_t{1});
        row.last_parameters = name.find("-no-ema") != name.npos;
        row.noisy = name.ends_with("-noise.json");
        row.env_step = found.at("env_step").get<double>();
        row.sample_us = found.value("sample_us", 0.0);
        row.returns = found.at("returns").get<std::vector<double>>();
        if (row.returns.empty() || row.nfe < 1 || row.particles < 1)
          throw std::runtime_error("empty");
        row.ends = points(found, "final_obs");
        row.ends_are_actions =
            std::ranges::adjacent_find(row.ends, std::ranges::not_equal_to()) ==
            row.ends.end();
        if (row.ends_are_actions)
          row.ends = points(found, "first_actions");
        run_.policies.push_back(std::move(row));
      } catch (const std::exception &) {
        run_.notes.push_back(
            fmt::format("{}: must hold env_step and returns, all of them "
                        "numbers: got another shape",
                        path.string()));
      }
    }
  }

  // rows of two finite numbers; none if the file has no such rows
  static std::vector<std::array<double, 2>> points(const json &found,
                                                   const char *key) {
    std::vector<std::array<double, 2>> rows;
    for (const json &one : found.value(key, json::array())) {
      if (!one.is_array() || one.size() != 2)
        return {};
      rows.push_back({one[0].get<double>(), one[1].get<double>()});
      if (!std::isfinite(rows.back()[0]) || !std::isfinite(rows.back()[1]))
        throw std::runtime_error("not finite");
    }
    return rows;
  }

  Run &run_;
};

double last_of(const Table &table, std::string_view name) {
  const auto *column = table.find(name);
  return column && !column->empty() && std::isfinite(column->back())
             ? column->back()
             : 0;
}

} // namespace

double Run::env_step() const {
  return std::max({last_of(metrics, "env_step"), last_of(episodes, "env_step"),
                   last_of(eval, "env_step")});
}

std::int64_t Run::setting(const std::string &key) const {
  const auto at = config.find(key);
  std::int64_t value = 0;
  if (at == config.end())
    return 1;
  const char *end = at->second.data() + at->second.size();
  const auto [rest, error] = std::from_chars(at->second.data(), end, value);
  return error == std::errc() && rest == end && value > 0 ? value : 1;
}

double Run::wall_s() const {
  return std::max({last_of(metrics, "wall_s"), last_of(episodes, "wall_s"),
                   last_of(eval, "wall_s")});
}

double Run::steps_per_second() const {
  return wall_s() > 0 ? env_step() / wall_s() : 0;
}

std::vector<fs::path> find_runs(const fs::path &path) {
  if (is_run(path))
    return {path};
  std::vector<fs::path> runs;
  std::error_code error;
  find_runs_in(path, 1, runs);
  if (runs.empty())
    throw rl::UsageError(fmt::format(
        "{}: must be a run folder (with config.toml) or hold some: got {}",
        path.string(),
        fs::exists(path, error) ? "none" : "no such file or folder"));
  std::sort(runs.begin(), runs.end());
  return runs;
}

Run read_run(const fs::path &path) {
  Run run;
  run.path = path;
  const fs::path whole = fs::absolute(path).lexically_normal();
  run.name =
      (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  const fs::path file = path / "config.toml";
  run.config = read_config(file.string(), rl::read_text(file));
  auto value = [&](const char *key) {
    const auto at = run.config.find(key);
    std::string text = at == run.config.end() ? "" : at->second;
    if (text.size() >= 2 && text.front() == '"')
      text = text.substr(1, text.size() - 2);
    return text;
  };
  run.algorithm = value("algorithm");
  run.env = value("env.id");
  run.seed = value("seed");
  for (const auto &[key, text] :
       {std::pair("algorithm", &run.algorithm), {"env.id", &run.env}})
    if (text->empty())
      throw std::runtime_error(
          fmt::format("{}: must set '{}': got none", file.string(), key));
  RunReader(run).read_all();
  return run;
}

} // namespace phlox::report
