// The tables of a report.
#include "rl/trainer/evaluation.h"
#include "tools/phlox/interval.h"
#include "tools/report/chart.h"
#include "tools/report/format.h"
#include "tools/report/page.h"
#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace phlox::report {
namespace {

constexpr double tail = 0.05; // of a run's evaluations
constexpr std::size_t open_notes = 12;

// over runs: the mean of a number that each run has or not
template <class F> double over_runs(const Group &group, F &&number) {
  std::vector<double> values;
  for (const Run *run : group.runs)
    if (const double value = number(*run); std::isfinite(value))
      values.push_back(value);
  return mean(values);
}

// standard deviation over runs of the final means; NaN for fewer than two
double spread_of(const Group &group) {
  std::vector<double> means;
  for (const Run *run : group.runs)
    if (!run->last.empty())
      means.push_back(run->last[0].mean);
  return means.size() > 1 ? rl::summarize(means).sd : NAN;
}

double last_evaluations(const Run &run) {
  const auto &rows = run.evaluations;
  const auto count = static_cast<std::size_t>(
      std::ceil(tail * static_cast<double>(rows.size())));
  std::vector<double> means;
  for (std::size_t i = rows.size() - count; i < rows.size(); i++)
    means.push_back(rows[i].mean);
  return mean(means);
}

double best(const Run &run) {
  double most = NAN;
  for (const auto &row : run.evaluations)
    most = std::fmax(most, row.mean);
  return most;
}

// what a run's row shows: the final evaluation, or the last one so far
const EvaluationRow *shown(const Run &run) {
  return !run.last.empty()          ? &run.last[0]
         : !run.evaluations.empty() ? &run.evaluations.back()
                                    : nullptr;
}

double success_of(const Run &run) {
  const EvaluationRow *row = shown(run);
  return row ? row->success : NAN;
}

bool tells_success(const Run &run) { return std::isfinite(success_of(run)); }

std::string or_dash(const std::string &text) {
  return text.empty() ? "–" : escape(text);
}

// three and more in a row as 1–3
std::string seed_list(const Group &group) {
  const auto &runs = group.runs;
  auto follows = [&](std::size_t i) {
    const auto seed = runs[i]->setting("seed");
    return i > 0 && seed > 1 && seed == runs[i - 1]->setting("seed") + 1;
  };
  std::string text;
  for (std::size_t i = 0; i < runs.size(); i++) {
    text += (text.empty() ? "" : ", ") + runs[i]->seed;
    std::size_t last = i;
    while (last + 1 < runs.size() && follows(last + 1))
      last++;
    if (last > i + 1) {
      text += "–" + runs[last]->seed;
      i = last;
    }
  }
  return text;
}

} // namespace

std::vector<std::string> tasks_of(const std::vector<Group> &groups) {
  std::vector<std::string> tasks;
  for (const Group &group : groups)
    if (std::find(tasks.begin(), tasks.end(), group.env) == tasks.end())
      tasks.push_back(group.env);
  return tasks;
}

std::string swatch(int group) {
  return fmt::format("<i class=\"swatch\" style=\"--c:{}\"></i>",
                     colour(group));
}

std::string short_hash(const std::string &hash) {
  return hash.empty() ? "–"
                      : fmt::format("<code title=\"{}\">{}</code>",
                                    escape(hash), escape(hash.substr(0, 12)));
}

std::string draw(const HtmlTable &table) {
  std::string out = "<div class=\"wide\"><table><thead><tr>";
  auto style = [&](std::size_t column) {
    return column < table.text_columns ? " class=\"t\"" : "";
  };
  for (std::size_t i = 0; i < table.header.size(); i++)
    out += fmt::format("<th{}>{}</th>", style(i), table.header[i]);
  out += "</tr></thead><tbody>\n";
  for (const auto &row : table.rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); i++)
      out += fmt::format("<td{}>{}</td>", style(i), row[i]);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string summary_section(const std::vector<Group> &groups) {
  HtmlTable table{{"group", "task", "seeds", "runs", "env steps", "final",
                   "last 5 %", "best", "steps/s", "hours"},
                  {},
                  3};
  const bool success = std::ranges::any_of(groups, [](const Group &group) {
    return std::ranges::any_of(
        group.runs, [](const Run *run) { return tells_success(*run); });
  });
  if (success)
    table.header.emplace_back("success");
  for (std::size_t i = 0; i < groups.size(); i++) {
    const Group &group = groups[i];
    double steps = 0;
    for (const Run *run : group.runs)
      steps = std::max(steps, run->env_step());
    const double spread = spread_of(group);
    const double final = over_runs(group, [](const Run &run) {
      return run.last.empty() ? NAN : run.last[0].mean;
    });
    table.rows.push_back(
        {swatch(static_cast<int>(i)) + escape(group.label), escape(group.env),
         escape(seed_list(group)), fmt::format("{}", group.runs.size()),
         grouped(steps),
         readable(final) + (std::isnan(spread) ? "" : " ± " + readable(spread)),
         readable(over_runs(group, last_evaluations)),
         readable(over_runs(group, best)),
         readable(over_runs(group,
                            [](const Run &r) { return r.steps_per_second(); })),
         readable(over_runs(group,
                            [](const Run &r) { return r.wall_s() / 3600; }))});
    if (success)
      table.rows.back().push_back(readable(over_runs(group, success_of)));
  }
  return "<h2>Summary</h2>\n" + draw(table) +
         fmt::format(
             "<p>Means over runs: <b>final</b>, the evaluation after training "
             "(± standard deviation over runs); <b>last 5&nbsp;%</b> and "
             "<b>best</b> of the evaluations during training.{} Time counts "
             "evaluation and checkpoints.</p>",
             success ? " <b>success</b>: the share of the task that the last "
                       "evaluation fulfilled."
                     : "");
}

std::string notes_section(const std::vector<Run> &runs,
                          const std::vector<Group> &groups) {
  std::vector<std::string> notes;
  for (const Run &run : runs)
    notes.insert(notes.end(), run.notes.begin(), run.notes.end());
  for (const Group &group : groups) {
    std::set<double> lengths;
    std::set<std::string> versions, seeds;
    for (const Run *run : group.runs) {
      lengths.insert(run->env_step());
      versions.insert(run->artifact_hash);
      seeds.insert(run->seed);
    }
    if (seeds.size() < group.runs.size())
      notes.push_back(fmt::format(
          "{}: every run should have a seed of its own: got {} runs of {} "
          "seed{}, which intervals take for independent",
          group.label, group.runs.size(), seeds.size(),
          seeds.size() == 1 ? "" : "s"));
    if (lengths.size() > 1)
      notes.push_back(fmt::format(
          "{}: runs should be of one length: got {} to {} env steps; where "
          "some have ended, the curve is of the others",
          group.label, grouped(*lengths.begin()), grouped(*lengths.rbegin())));
    if (!group.counted.empty() && group.counted.size() < group.runs.size())
      notes.push_back(fmt::format(
          "{}: every run should have a {}: got {} of {}, the others are in "
          "the curves only",
          group.label, group.scores_of, group.counted.size(),
          group.runs.size()));
    if (versions.size() > 1)
      notes.push_back(fmt::format(
          "{}: runs should have one artifact: got {} of one configuration, "
          "see the hashes below",
          group.label, versions.size()));
  }
  if (notes.empty())
    return "";
  std::string out = "<h2>Notes</h2>\n<ul class=\"notes\">";
  for (std::size_t i = 0; i < notes.size(); i++) {
    if (i == open_notes)
      out += fmt::format("</ul><details><summary>{} more</summary><ul "
                         "class=\"notes\">",
                         notes.size() - i);
    out += "<li>" + escape(notes[i]) + "</li>\n";
  }
  return out + (notes.size() > open_notes ? "</ul></details>" : "</ul>");
}

std::string differences_section(const std::vector<Group> &groups) {
  const auto rows = differences(groups);
  if (groups.size() < 2 || rows.empty())
    return "";
  HtmlTable table{{"key"}, {}, groups.size() + 1};
  for (std::size_t i = 0; i < groups.size(); i++)
    table.header.push_back(swatch(static_cast<int>(i)) +
                           escape(groups[i].label));
  for (const Difference &row : rows) {
    std::vector<std::string> cells = {"<code>" + escape(row.key) + "</code>"};
    for (const std::string &value : row.values)
      cells.push_back("<code>" + escape(value) + "</code>");
    table.rows.push_back(std::move(cells));
  }
  return "<h2>Configuration: what groups do not share</h2>\n" + draw(table) +
         "<p>Left out: seed, threads, evaluation, logs and checkpoints, which "
         "do not set groups apart. –: the key is not there.</p>";
}

std::string runs_section(const std::vector<Run> &runs,
                         const std::vector<Group> &groups) {
  HtmlTable table{{"run", "group", "seed", "state", "evaluation", "episodes",
                   "mean", "sd", "IQM", "95 % of the mean", "min", "max",
                   "env steps", "wall time", "steps/s", "Phlox", "artifact",
                   "host"},
                  {},
                  5};
  const bool success = std::ranges::any_of(runs, tells_success);
  if (success)
    table.header.emplace_back("success");
  for (const Run &run : runs) {
    std::string group;
    for (std::size_t i = 0; i < groups.size(); i++)
      if (std::find(groups[i].runs.begin(), groups[i].runs.end(), &run) !=
          groups[i].runs.end())
        group = swatch(static_cast<int>(i)) + escape(groups[i].label);
    std::vector<std::string> row = {
        "<code>" + escape(run.name) + "</code>", group, escape(run.seed),
        run.ended() ? or_dash(run.exit_reason) : "not ended"};
    if (const EvaluationRow *one = shown(run)) {
      const auto interval = tools::mean_interval(one->returns);
      row.push_back((run.last.empty() ? "at " : "final, ") +
                    grouped(one->env_step));
      for (const std::string &cell :
           {fmt::format("{}", one->returns.size()), readable(one->mean),
            readable(one->sd), readable(one->iqm),
            fmt::format("{} to {}", readable(interval.first),
                        readable(interval.second)),
            readable(one->min), readable(one->max)})
        row.push_back(cell);
    } else {
      row.insert(row.end(), {"none", "0", "–", "–", "–", "–", "–", "–"});
    }
    row.insert(row.end(),
               {grouped(run.env_step()), duration(run.wall_s()),
                readable(run.steps_per_second()), or_dash(run.version),
                short_hash(run.artifact_hash), or_dash(run.host)});
    if (success)
      row.push_back(readable(success_of(run)));
    table.rows.push_back(std::move(row));
  }
  std::string out =
      "<h2>Runs</h2>\n" + draw(table) +
      fmt::format("<p>Interval: percentile bootstrap of the run's own episodes "
                  "({} resamples), as <code>phlox eval</code> prints it; it "
                  "says nothing about other seeds.</p>",
                  grouped(tools::bootstrap_resamples));
  std::string manifests;
  for (const Run &run : runs)
    if (!run.manifest.empty())
      manifests += "<h3>" + escape(run.name) + "</h3><pre>" +
                   escape(run.manifest) + "</pre>";
  if (!manifests.empty())
    out += "<details><summary>Manifests</summary>" + manifests + "</details>";
  return out;
}

} // namespace phlox::report
