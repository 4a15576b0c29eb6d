// Groups on one task: interquartile means, profiles, who is above whom.
#include "tools/report/chart.h"
#include "tools/report/format.h"
#include "tools/report/page.h"
#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace phlox::report {
namespace {

constexpr std::size_t most_thresholds = 400, most_compared = 8;

std::size_t values_of(const Group &group) {
  std::size_t count = 0;
  for (const Unit &unit : group.scores)
    count += unit.values.size();
  return count;
}

// all distinct scores, so that every step of a profile is drawn, or an even
// grid where there are too many
std::vector<double> thresholds(const std::vector<const Group *> &groups) {
  std::set<double> all;
  for (const Group *group : groups)
    for (const Unit &unit : group->scores)
      all.insert(unit.values.begin(), unit.values.end());
  std::vector<double> marks(all.begin(), all.end());
  if (marks.empty())
    return marks;
  const double low = marks.front(), high = marks.back();
  if (marks.size() > most_thresholds) {
    marks.clear();
    for (std::size_t i = 0; i <= most_thresholds; i++)
      marks.push_back(low + (high - low) * static_cast<double>(i) /
                                static_cast<double>(most_thresholds));
  }
  // the share is 1 below the least score
  marks.insert(marks.begin(), low - (high > low ? (high - low) / 50 : 1));
  return marks;
}

IntervalRow iqm_row(const Group &group, int number) {
  std::vector<double> all;
  for (const Unit &unit : group.scores)
    all.insert(all.end(), unit.values.begin(), unit.values.end());
  IntervalRow row{group.label, number, iqm(all), NAN, NAN};
  if (group.scores.size() >= least_runs) {
    const auto interval =
        bootstrap(group.scores, drawn_iqm, point_repetitions, "iqm");
    row.low = interval.low;
    row.high = interval.high;
  }
  return row;
}

std::string cell(const IntervalRow &row) {
  return std::isfinite(row.low)
             ? fmt::format("{} to {}", readable(row.low), readable(row.high))
             : "–";
}

std::string improvements(const std::vector<const Group *> &groups) {
  HtmlTable table{{"chance that a run of … beats one of …"}, {}, 1};
  std::vector<std::vector<double>> means;
  for (const Group *group : groups) {
    table.header.push_back(escape(group->label));
    means.emplace_back();
    for (const Unit &unit : group->scores)
      means.back().push_back(mean(unit.values));
  }
  for (std::size_t i = 0; i < groups.size(); i++) {
    std::vector<std::string> row = {escape(groups[i]->label)};
    for (std::size_t k = 0; k < groups.size(); k++)
      row.push_back(
          i == k ? "" : fmt::format("{:.2f}", improvement(means[i], means[k])));
    table.rows.push_back(std::move(row));
  }
  return "<p>Share of pairs of runs, by the mean of each run's episodes, ties "
         "½ (Mann–Whitney U / (n·m)).</p>" +
         draw(table);
}

std::string of_task(const std::vector<Group> &groups, const std::string &env) {
  std::vector<const Group *> members;
  std::vector<IntervalRow> rows;
  Chart profile;
  HtmlTable table{{"group", "scores of", "runs", "episodes", "mean", "median",
                   "IQM", "95 % interval of the IQM"},
                  {},
                  2};
  for (std::size_t i = 0; i < groups.size(); i++) {
    const Group &group = groups[i];
    profile.groups.push_back(group.label);
    if (group.env != env || values_of(group) == 0)
      continue;
    members.push_back(&group);
    rows.push_back(iqm_row(group, static_cast<int>(i)));
    const Sample sample = pool(group.scores);
    table.rows.push_back({escape(group.label), group.scores_of,
                          fmt::format("{}", group.scores.size()),
                          fmt::format("{}", sample.values.size()),
                          readable(mean(sample.values)),
                          readable(median(sample.values)),
                          readable(rows.back().middle), cell(rows.back())});
  }
  if (members.empty())
    return "";
  const auto marks = thresholds(members);
  for (std::size_t i = 0; i < members.size(); i++) {
    Profile one = performance_profile(members[i]->scores, marks, "profile");
    profile.series.push_back({members[i]->label,
                              rows[i].group,
                              Series::Kind::steps,
                              std::move(one.thresholds),
                              std::move(one.shares),
                              std::move(one.low),
                              std::move(one.high),
                              {}});
  }
  profile.title = env + ": performance profile";
  profile.caption = "Share of runs × episodes with a return above τ.";
  profile.x_label = "τ, return";
  std::string out = "<div class=\"charts\">" +
                    draw_intervals(env + ": interquartile mean", rows) +
                    draw(profile) + "</div>" + draw(table);
  if (members.size() > 1 && members.size() <= most_compared)
    out += improvements(members);
  return out;
}

} // namespace

std::string comparison_section(const std::vector<Group> &groups) {
  std::string parts;
  for (const std::string &env : tasks_of(groups))
    parts += of_task(groups, env);
  if (parts.empty())
    return "";
  const bool few =
      std::any_of(groups.begin(), groups.end(),
                  [](const Group &g) { return g.scores.size() < least_runs; });
  return fmt::format(
      "<h2>Comparison on each task</h2>\n<p>As rliable defines them: the "
      "interquartile mean (IQM) is the mean of all runs × episodes after "
      "⌊n/4⌋ are cut from each end; its interval is the 95 % percentile "
      "interval of a stratified bootstrap ({} repetitions) that draws runs "
      "with replacement inside the task, each with all its episodes; a "
      "profile is the share of runs × episodes above τ, its band the same "
      "bootstrap point by point ({} repetitions).{}</p>\n{}",
      grouped(point_repetitions), grouped(curve_repetitions),
      few ? " A group of fewer than 3 runs has no interval: resampling so few "
            "says nothing about the next seed."
          : "",
      parts);
}

} // namespace phlox::report
