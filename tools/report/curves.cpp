// Learning curves: evaluations over steps and over time, episodes of training.
#include "tools/report/chart.h"
#include "tools/report/format.h"
#include "tools/report/page.h"
#include "tools/report/published.h"
#include "tools/report/thin.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace phlox::report {
namespace {

// published figures stand beside runs that came at least this far
constexpr double comparable = 0.5;

std::string run_label(const Group &group, const Run &run) {
  return fmt::format("{}, seed {}", group.label, run.seed);
}

// one line per run, from its evaluations
Series of_run(const Group &group, int number, const Run &run, bool over_time) {
  Series one{
      run_label(group, run), number, Series::Kind::run, {}, {}, {}, {}, {}};
  for (const auto &row : run.evaluations) {
    one.x.push_back(over_time ? row.wall_s / 60 : row.env_step);
    one.y.push_back(row.mean);
  }
  return one;
}

// solid where every run counts that was evaluated at all, else dashed
void add_group(Chart &chart, const Group &group, int number) {
  Curve curve = learning_curve(group);
  const auto all =
      std::count_if(group.runs.begin(), group.runs.end(),
                    [](const Run *run) { return !run->evaluations.empty(); });
  Series whole{group.label, number,       Series::Kind::line,
               curve.steps, curve.middle, {},
               {},          curve.count};
  Series part = whole;
  part.kind = Series::Kind::part;
  bool ended = false;
  for (std::size_t i = 0; i < curve.steps.size(); i++) {
    auto full = [&](std::size_t k) {
      return k >= curve.count.size() || curve.count[k] == all;
    };
    if (!full(i)) {
      ended = true;
      whole.y[i] = NAN;
    } else if (full(i + 1) && (i == 0 || full(i - 1))) {
      part.y[i] = NAN; // neither side of it is dashed
    }
  }
  if (std::any_of(curve.low.begin(), curve.low.end(),
                  [](double v) { return v == v; })) {
    whole.low = std::move(curve.low);
    whole.high = std::move(curve.high);
  }
  chart.series.push_back(std::move(whole));
  if (ended)
    chart.series.push_back(std::move(part));
}

void add_published(Chart &chart, const std::string &env) {
  double last = 0;
  for (const Series &one : chart.series)
    if (!one.x.empty())
      last = std::max(last, one.x.back());
  if (last <= 0)
    return;
  for (const Published &figure : published(env)) {
    chart.with_references = last >= comparable * figure.env_steps;
    chart.series.push_back(
        {fmt::format("{} at {}", figure.label, compact(figure.env_steps)),
         -1,
         Series::Kind::reference,
         {0, last},
         {figure.mean, figure.mean},
         {},
         {},
         {}});
  }
}

std::string published_table(const std::string &env) {
  HtmlTable table{
      {"published figure", "return", "±", "env steps", "source", "protocol"},
      {},
      1};
  for (const Published &one : published(env))
    table.rows.push_back({escape(one.label), readable(one.mean),
                          one.spread > 0 ? readable(one.spread) : "–",
                          grouped(one.env_steps), escape(one.source),
                          escape(one.protocol)});
  if (table.rows.empty())
    return "";
  return "<details><summary>Published figures for " + escape(env) +
         "</summary><p>Context, not measured here: versions of tasks, numbers "
         "of runs and protocols differ.</p>" +
         draw(table) + "</details>";
}

std::string of_task(const std::vector<Group> &groups, const std::string &env) {
  Chart steps, time, training;
  for (const Group &group : groups)
    for (Chart *chart : {&steps, &time, &training})
      chart->groups.push_back(group.label);
  steps.title = env + ": evaluation return";
  steps.caption =
      "Line: interquartile mean over runs of each evaluation's "
      "mean. Band: 95 % bootstrap interval over runs, from 3 runs "
      "on. Thin: single runs; dashed: some runs have not come that far.";
  steps.x_label = "env steps";
  steps.large = true;
  time.title = env + ": evaluation return over time";
  time.caption = "Single runs; evaluation, checkpoints and compiling count.";
  time.x_label = "minutes";
  training.title = env + ": return of training episodes";
  training.x_label = "env steps";
  std::size_t every = 1;
  const std::size_t most = points_per_line(groups);
  for (std::size_t i = 0; i < groups.size(); i++) {
    const Group &group = groups[i];
    if (group.env != env)
      continue;
    const int number = static_cast<int>(i);
    for (const Run *run : group.runs) {
      steps.series.push_back(of_run(group, number, *run, false));
      time.series.push_back(of_run(group, number, *run, true));
      const auto *x = run->episodes.find("env_step");
      const auto *y = run->episodes.find("return");
      if (!x || !y)
        continue;
      Series one{run_label(group, *run),
                 number,
                 Series::Kind::run,
                 {},
                 {},
                 {},
                 {},
                 {}};
      every = std::max(every, thin(*x, *y, most, one));
      training.series.push_back(std::move(one));
    }
    add_group(steps, group, number);
  }
  training.caption =
      every == 1 ? "With exploration noise, every episode."
                 : fmt::format("With exploration noise, one in up to {} "
                               "episodes is drawn.",
                               every);
  add_published(steps, env);
  return draw(steps) + "<div class=\"charts\">" + draw(time) + draw(training) +
         "</div>" + published_table(env);
}

} // namespace

std::string learning_section(const std::vector<Group> &groups) {
  std::string out = "<h2>Learning curves</h2>\n";
  for (const std::string &env : tasks_of(groups))
    out += of_task(groups, env);
  return out;
}

} // namespace phlox::report
