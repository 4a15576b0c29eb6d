// How fast runs were, and where their time went.
#include "tools/report/chart.h"
#include "tools/report/format.h"
#include "tools/report/page.h"
#include "tools/report/thin.h"
#include <cmath>
#include <fmt/format.h>
#include <map>

namespace phlox::report {
namespace {

constexpr const char *parts[] = {"env",  "sample",     "replay", "update",
                                 "eval", "checkpoint", "other"};

// without the warm-up, which is as fast as the environment; a run that never
// learned has nothing else
std::vector<double> learning(const Run &run, std::vector<double> values) {
  const auto *update = run.metrics.find("update");
  if (update && !update->empty() && update->back() > 0)
    for (std::size_t i = 0; i < values.size(); i++)
      if (!((*update)[i] > 0))
        values[i] = NAN;
  return values;
}

std::string chart_of(const std::vector<Group> &groups, const char *title,
                     const char *caption, const char *column) {
  Chart chart;
  chart.title = title;
  chart.caption = caption;
  chart.x_label = "minutes";
  const std::size_t most = points_per_line(groups);
  for (std::size_t i = 0; i < groups.size(); i++) {
    chart.groups.push_back(groups[i].label);
    for (const Run *run : groups[i].runs) {
      const auto *x = run->metrics.find("wall_s");
      const auto *y = run->metrics.find(column);
      if (!x || !y)
        continue;
      Series one{fmt::format("{}, seed {}", groups[i].label, run->seed),
                 static_cast<int>(i),
                 Series::Kind::run,
                 {},
                 {},
                 {},
                 {},
                 {}};
      const auto y_seen = learning(*run, *y);
      thin(*x, y_seen, most, one);
      for (double &second : one.x)
        second /= 60;
      chart.series.push_back(std::move(one));
    }
  }
  return draw(chart);
}

// seconds by part, from the shares of the windows between rows
std::map<std::string, double> seconds_of(const Group &group) {
  std::map<std::string, double> seconds;
  for (const Run *run : group.runs) {
    const auto *wall = run->metrics.find("wall_s");
    for (const char *part : parts) {
      const auto *share = run->metrics.find(fmt::format("time_{}", part));
      if (!wall || !share)
        continue;
      double before = 0;
      for (std::size_t i = 0; i < wall->size(); i++) {
        const double now = (*wall)[i];
        if (std::isfinite((*share)[i]) && now > before)
          seconds[part] += (*share)[i] * (now - before);
        before = std::isfinite(now) ? now : before;
      }
    }
  }
  return seconds;
}

std::string shares(const std::vector<Group> &groups) {
  HtmlTable table{{"group"}, {}, 1};
  for (const char *part : parts)
    table.header.emplace_back(part);
  for (const Group &group : groups) {
    const auto seconds = seconds_of(group);
    double all = 0;
    for (const auto &[ignored, one] : seconds)
      all += one;
    if (!(all > 0))
      continue;
    std::vector<std::string> row = {escape(group.label)};
    for (const char *part : parts) {
      const auto at = seconds.find(part);
      row.push_back(fmt::format(
          "{:.1f} %", at == seconds.end() ? 0 : 100 * at->second / all));
    }
    table.rows.push_back(std::move(row));
  }
  return table.rows.empty() ? "" : "<h3>Shares of wall time</h3>" + draw(table);
}

} // namespace

std::string throughput_section(const std::vector<Group> &groups) {
  const std::string charts =
      chart_of(groups, "Env steps per second",
               "Between two logs from the first update on, without "
               "evaluation, checkpoints and compiling.",
               "charts_SPS_window") +
      chart_of(groups, "Updates per second", "The same windows.",
               "charts_updates_per_sec") +
      chart_of(groups, "Memory, GB", "Resident.", "system_rss_gb");
  const std::string table = shares(groups);
  if (charts.empty() && table.empty())
    return "";
  return "<h2>Throughput</h2>\n<div class=\"charts\">" + charts + "</div>" +
         table;
}

} // namespace phlox::report
