#include "tools/report/group.h"
#include "rl/trainer/schema.h"
#include "tools/report/format.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <set>

namespace phlox::report {
namespace {

constexpr std::size_t label_keys = 3; // of a variant's name
const std::string absent = "–";
const std::string precision = "precision"; // of no run's configuration

std::map<std::string, std::string> apart(const Run &run) {
  // high is f32, or by AMX as good
  std::map<std::string, std::string> config{
      {precision, run.precision == "bf16" ? "bf16" : "f32"}};
  for (const auto &[key, value] : run.config)
    if (sets_apart(key))
      config[key] = value;
  return config;
}

std::string value_of(const Group &group, const std::string &key) {
  const auto at = group.config.find(key);
  return at == group.config.end() ? absent : at->second;
}

std::set<std::string> differing(const std::vector<const Group *> &groups) {
  std::set<std::string> keys, result;
  for (const Group *group : groups)
    for (const auto &[key, ignored] : group->config)
      keys.insert(key);
  for (const std::string &key : keys)
    for (const Group *group : groups)
      if (value_of(*group, key) != value_of(*groups.front(), key))
        result.insert(key);
  return result;
}

// the keys of a variant's name: not what its method says. "as published" stands
// for the keys that the published choices set, unless they differ among such
// groups, or others
std::set<std::string> telling(const Group &group,
                              const std::vector<const Group *> &alike) {
  std::set<std::string> published;
  std::vector<const Group *> same;
  for (const Group *other : alike) {
    published.insert(other->as_published.begin(), other->as_published.end());
    if (other->method == group.method)
      same.push_back(other);
  }
  std::set<std::string> keys = differing(alike);
  const std::set<std::string> within = differing(same);
  std::erase_if(keys, [&](const std::string &key) {
    return key == precision ||
           (published.contains(key) && !within.contains(key));
  });
  return keys;
}

void name(std::vector<Group> &groups) {
  std::set<std::string> environments, taken;
  for (const Group &group : groups)
    environments.insert(group.env);
  for (Group &group : groups) {
    std::vector<const Group *> alike;
    for (const Group &other : groups)
      if (other.algorithm == group.algorithm && other.env == group.env)
        alike.push_back(&other);
    std::size_t used = 0;
    for (const std::string &key : telling(group, alike)) {
      if (++used > label_keys) {
        group.variant += ", …";
        break;
      }
      std::string value = value_of(group, key);
      std::erase(value, '"');
      group.variant += used == 1 ? "" : ", ";
      group.variant += value == absent ? "no " + key : key + "=" + value;
    }
    group.label = group.method;
    if (!group.variant.empty())
      group.label += " · " + group.variant;
    if (environments.size() > 1)
      group.label = group.env + " · " + group.label;
    const std::string stem = group.label;
    for (int i = 2; !taken.insert(group.label).second; i++)
      group.label = fmt::format("{} ({})", stem, i);
  }
}

void score(Group &group) {
  for (const Run *run : group.runs)
    if (!run->last.empty()) {
      group.counted.push_back(run);
      group.scores.push_back({0, run->last[0].returns});
    }
  if (!group.scores.empty()) {
    group.scores_of = "final evaluation";
    return;
  }
  std::map<double, std::size_t> at;
  std::size_t evaluated = 0;
  for (const Run *run : group.runs) {
    std::set<double> steps;
    for (const auto &row : run->evaluations)
      steps.insert(row.env_step);
    for (double step : steps)
      at[step]++;
    evaluated += !steps.empty();
  }
  for (auto step = at.rbegin(); step != at.rend(); ++step) {
    if (step->second != evaluated)
      continue;
    for (const Run *run : group.runs)
      for (auto row = run->evaluations.rbegin(); row != run->evaluations.rend();
           ++row)
        if (row->env_step == step->first) {
          group.counted.push_back(run);
          group.scores.push_back({0, row->returns});
          break;
        }
    group.scores_of = fmt::format("evaluation at {}", grouped(step->first));
    return;
  }
}

} // namespace

bool sets_apart(const std::string &key) {
  static const rl::Schema schema = rl::trainer_schema();
  if (key == "seed")
    return false;
  if (key == "total_timesteps") // free to grow, but not the same run
    return true;
  const rl::KeySpec *spec = schema.find(key);
  return !spec || !spec->free_on_resume;
}

std::vector<Group> group_runs(const std::vector<Run> &runs) {
  std::vector<Group> groups;
  for (const Run &run : runs) {
    auto config = apart(run);
    auto at = std::find_if(groups.begin(), groups.end(),
                           [&](const Group &g) { return g.config == config; });
    if (at == groups.end()) {
      groups.push_back({});
      at = groups.end() - 1;
      at->algorithm = run.algorithm;
      at->env = run.env;
      at->config = std::move(config);
    }
    at->as_published.insert(run.as_published.begin(), run.as_published.end());
    at->runs.push_back(&run);
  }
  for (Group &group : groups)
    group.method = group.algorithm +
                   (group.as_published.empty() ? "" : " as published") +
                   (value_of(group, precision) == "bf16" ? " in bf16" : "");
  name(groups);
  for (Group &group : groups)
    score(group);
  return groups;
}

std::vector<Difference> differences(const std::vector<Group> &groups) {
  std::vector<const Group *> all;
  for (const Group &group : groups)
    all.push_back(&group);
  std::vector<Difference> result;
  for (const std::string &key : differing(all)) {
    Difference row{key, {}};
    for (const Group &group : groups)
      row.values.push_back(value_of(group, key));
    result.push_back(std::move(row));
  }
  return result;
}

std::optional<double> interpolate(const std::vector<double> &x,
                                  const std::vector<double> &y, double at) {
  const auto after = std::lower_bound(x.begin(), x.end(), at);
  if (after == x.end())
    return std::nullopt;
  const std::size_t i = after - x.begin();
  if (x[i] == at)
    return y[i];
  if (i == 0)
    return std::nullopt;
  return y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1]);
}

Curve learning_curve(const Group &group) {
  std::vector<std::vector<double>> x, y;
  std::set<double> steps;
  for (const Run *run : group.runs) {
    x.emplace_back();
    y.emplace_back();
    for (const auto &row : run->evaluations)
      if (std::isfinite(row.mean)) {
        x.back().push_back(row.env_step);
        y.back().push_back(row.mean);
        steps.insert(row.env_step);
      }
  }
  Curve curve;
  for (double step : steps) {
    std::vector<Unit> units;
    std::vector<double> values;
    for (std::size_t i = 0; i < x.size(); i++)
      if (const auto value = interpolate(x[i], y[i], step)) {
        values.push_back(*value);
        units.push_back({0, {*value}});
      }
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    Interval band{none, none};
    if (values.size() >= least_runs)
      band = bootstrap(units, drawn_iqm, curve_repetitions, "curve");
    curve.steps.push_back(step);
    curve.middle.push_back(iqm(values));
    curve.low.push_back(band.low);
    curve.high.push_back(band.high);
    curve.count.push_back(static_cast<int>(values.size()));
  }
  return curve;
}

} // namespace phlox::report
