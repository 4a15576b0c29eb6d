// What the metrics of training say: losses, entropy, temperature, weights.
#include "tools/report/chart.h"
#include "tools/report/format.h"
#include "tools/report/page.h"
#include "tools/report/thin.h"
#include <fmt/format.h>
#include <set>

namespace phlox::report {
namespace {

struct Metric {
  const char *column, *title, *caption;
};

// shown in this order; other losses_ columns follow under their own names
constexpr Metric known[] = {
    {"losses_qf_loss", "Critic loss", "Mean of both critics' squared errors."},
    {"losses_actor_loss", "Actor loss", ""},
    {"losses_flow_loss", "Flow loss", "Regression of the velocity."},
    {"losses_entropy", "Entropy",
     "−E log π, nats per action vector; dashed: its goal."},
    {"losses_alpha", "Temperature α", ""},
    {"losses_ess_mean", "Effective sample size",
     "Mean over the batch, of K proposals."},
    {"losses_ess_p05", "Effective sample size, 5th percentile", ""},
    {"losses_weight_max", "Largest weight", "Mean over the batch."},
    {"losses_qf1_values", "Value of critic 1", "Mean over the batch."},
    {"losses_soft_target_mean", "Soft target", "Mean over the batch."},
    {"losses_action_saturation", "Saturated actions",
     "Share of entries with |a| > 0.99."},
};
const std::set<std::string> elsewhere = {"losses_target_entropy"};

std::string chart_of(const std::vector<Group> &groups, const Metric &metric,
                     const std::string &beside) {
  Chart chart;
  chart.title = metric.title;
  chart.x_label = "env steps";
  std::size_t every = 1;
  const std::size_t most = points_per_line(groups);
  for (std::size_t i = 0; i < groups.size(); i++) {
    chart.groups.push_back(groups[i].label);
    for (const Run *run : groups[i].runs)
      for (const std::string &column : {std::string(metric.column), beside}) {
        const auto *x = run->metrics.find("env_step");
        const auto *y = run->metrics.find(column);
        if (!x || !y)
          continue;
        const bool goal = column == beside;
        Series one{fmt::format("{}, seed {}{}", groups[i].label, run->seed,
                               goal ? ", goal" : ""),
                   static_cast<int>(i),
                   goal ? Series::Kind::reference : Series::Kind::run,
                   {},
                   {},
                   {},
                   {},
                   {}};
        every = std::max(every, thin(*x, *y, most, one));
        chart.series.push_back(std::move(one));
      }
  }
  chart.caption = metric.caption;
  if (every > 1)
    chart.caption += fmt::format(" One in up to {} rows is drawn.", every);
  return draw(chart);
}

} // namespace

std::string diagnostics_section(const std::vector<Group> &groups) {
  std::string main, more;
  std::set<std::string> done = elsewhere;
  for (const Metric &metric : known) {
    done.insert(metric.column);
    const bool entropy = std::string_view(metric.column) == "losses_entropy";
    main += chart_of(groups, metric, entropy ? "losses_target_entropy" : "-");
  }
  std::set<std::string> others = {"charts_learning_rate"};
  for (const Group &group : groups)
    for (const Run *run : group.runs)
      for (const std::string &name : run->metrics.names)
        if (name.starts_with("losses_") && !done.contains(name))
          others.insert(name);
  for (const std::string &name : others)
    more += chart_of(groups, {name.c_str(), name.c_str(), ""}, "-");
  if (main.empty() && more.empty())
    return "";
  std::string out = "<h2>Losses and diagnostics</h2>\n<p>One line per run, "
                    "from its metrics.csv.</p><div class=\"charts\">" +
                    main + "</div>";
  if (!more.empty())
    out += "<details><summary>More metrics</summary><div class=\"charts\">" +
           more + "</div></details>";
  return out;
}

} // namespace phlox::report
