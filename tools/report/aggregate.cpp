// Algorithms over several tasks, on normalised scores.
#include "tools/report/chart.h"
#include "tools/report/format.h"
#include "tools/report/page.h"
#include "tools/report/published.h"
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace phlox::report {
namespace {

// the runs of one algorithm: one score per run, tasks as strata
struct Method {
  std::string label;
  std::vector<Unit> runs;
  std::set<int> tasks;
  bool enough = true; // every task has least_runs runs
};

// calls per task: the values of the draw, in the units' order
double over_tasks(std::span<const Unit> units, std::span<const int> weights,
                  double (*statistic)(std::span<const double>)) {
  std::map<int, std::pair<double, double>> sums;
  for (std::size_t i = 0; i < units.size(); i++) {
    auto &[sum, count] = sums[units[i].stratum];
    sum += weights[i] * units[i].values[0];
    count += weights[i];
  }
  std::vector<double> means;
  for (const auto &[ignored, one] : sums)
    means.push_back(one.first / one.second);
  return statistic(means);
}

double drawn_gap(const Sample &sample, std::span<const int> weights) {
  Sample capped = sample;
  for (double &value : capped.values)
    value = std::min(value, 1.0);
  return 1 - drawn_mean(capped, weights);
}

std::string show(const Method &method, const Statistic &statistic,
                 const char *name) {
  const std::vector<int> once(method.runs.size(), 1);
  std::string text = fmt::format("{:.3f}", statistic(pool(method.runs), once));
  if (method.enough) {
    const auto interval =
        bootstrap(method.runs, statistic, point_repetitions, name);
    text += fmt::format(" ({:.3f} to {:.3f})", interval.low, interval.high);
  }
  return text;
}

std::vector<Method> methods_of(const std::vector<Group> &groups,
                               const std::vector<std::string> &tasks) {
  // variants of a method on one task are methods of their own
  std::map<std::pair<std::string, std::string>, int> variants;
  std::set<std::string> split;
  for (const Group &group : groups)
    if (++variants[{group.method, group.env}] > 1)
      split.insert(group.method);
  std::vector<Method> methods;
  for (const Group &group : groups) {
    const auto task = std::find(tasks.begin(), tasks.end(), group.env);
    if (task == tasks.end() || group.scores.empty())
      continue;
    const std::string label =
        split.contains(group.method) && !group.variant.empty()
            ? group.method + " · " + group.variant
            : group.method;
    auto at = std::find_if(methods.begin(), methods.end(),
                           [&](const Method &m) { return m.label == label; });
    if (at == methods.end()) {
      methods.push_back({label, {}, {}, true});
      at = methods.end() - 1;
    }
    const int number = static_cast<int>(task - tasks.begin());
    at->tasks.insert(number);
    at->enough &= group.scores.size() >= least_runs;
    for (const Unit &unit : group.scores)
      at->runs.push_back({number, {*normalised(group.env, mean(unit.values))}});
  }
  return methods;
}

Chart profiles(const std::vector<Method> &methods) {
  Chart chart;
  chart.title = "Performance profile over tasks";
  chart.caption = "Share of runs × tasks with a normalised score above τ.";
  chart.x_label = "τ, normalised score";
  std::vector<double> marks;
  for (int i = 0; i <= 150; i++)
    marks.push_back(i / 100.0);
  for (std::size_t i = 0; i < methods.size(); i++) {
    chart.groups.push_back(methods[i].label);
    Profile one = performance_profile(methods[i].runs, marks, "tasks");
    if (!methods[i].enough)
      one.low = one.high = {};
    chart.series.push_back({methods[i].label,
                            static_cast<int>(i),
                            Series::Kind::steps,
                            std::move(one.thresholds),
                            std::move(one.shares),
                            std::move(one.low),
                            std::move(one.high),
                            {}});
  }
  return chart;
}

} // namespace

std::string aggregate_section(const std::vector<Group> &groups) {
  std::vector<std::string> tasks, without;
  for (const std::string &env : tasks_of(groups))
    (normalised(env, 0) ? tasks : without).push_back(env);
  if (tasks.size() < 2)
    return "";
  const auto methods = methods_of(groups, tasks);
  HtmlTable table{
      {"algorithm", "tasks", "runs", "IQM", "mean", "median", "optimality gap"},
      {},
      1};
  for (const Method &method : methods) {
    auto over = [&](double (*statistic)(std::span<const double>)) {
      return [&method, statistic](const Sample &, std::span<const int> draw) {
        return over_tasks(method.runs, draw, statistic);
      };
    };
    table.rows.push_back(
        {escape(method.label), fmt::format("{}", method.tasks.size()),
         fmt::format("{}", method.runs.size()), show(method, drawn_iqm, "iqm"),
         show(method, over(mean), "mean"), show(method, over(median), "median"),
         show(method, drawn_gap, "gap")});
  }
  std::string left_out;
  for (const std::string &env : without)
    left_out += (left_out.empty() ? " Without a scale and left out: " : ", ") +
                escape(env);
  return fmt::format(
      "<h2>Aggregates over tasks</h2>\n<p>Normalised scores, (return − "
      "random) / (reference − random), scale version {}: 0 is uniform "
      "actions, 1 is FLAME-R as published. One score per run, the mean of "
      "its episodes. IQM over all runs × tasks; mean and median over tasks of "
      "the mean over runs; optimality gap 1 − mean(min(score, 1)). In "
      "brackets the 95 % percentile interval of a stratified bootstrap ({} "
      "repetitions, runs drawn inside their task), where every task has 3 "
      "runs.{}</p>\n{}<div class=\"charts\">{}</div>",
      scale_version, grouped(point_repetitions),
      left_out.empty() ? "" : left_out + ".", draw(table),
      draw(profiles(methods)));
}

} // namespace phlox::report
