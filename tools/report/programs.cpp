// Compiled programs: what their entry points compute, and how fast it went.
#include "tools/report/format.h"
#include "tools/report/page.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace phlox::report {
namespace {

// seconds of a phase of training, and how often its entry point was called
struct Phase {
  double seconds = 0, calls = 0;
  double micros() const { return calls > 0 ? seconds / calls * 1e6 : NAN; }
};

// from the shares of wall time between rows of metrics.csv; rows before the
// first update hold no calls
Phase phase_of(const Run &run, const char *part, const char *counter,
               double per_call) {
  const auto *wall = run.metrics.find("wall_s"),
             *share = run.metrics.find(fmt::format("time_{}", part)),
             *count = run.metrics.find(counter),
             *update = run.metrics.find("update");
  Phase phase;
  if (!wall || !share || !count || !update || !(per_call > 0))
    return phase;
  for (std::size_t i = 1; i < wall->size(); i++) {
    const double seconds = (*wall)[i] - (*wall)[i - 1],
                 counted = (*count)[i] - (*count)[i - 1];
    if (!((*update)[i - 1] > 0) || !(seconds > 0) || !(counted > 0) ||
        !std::isfinite((*share)[i]))
      continue;
    phase.seconds += (*share)[i] * seconds;
    phase.calls += counted / per_call;
  }
  return phase;
}

// over all runs of a group
Phase phase_of(const Group &group, const std::string &entry) {
  Phase all;
  for (const Run *run : group.runs) {
    const auto envs = static_cast<double>(run->setting("num_envs"));
    Phase one;
    if (entry == "train_step")
      one = phase_of(*run, "update", "update", 1);
    else if (entry == fmt::format("sample_{}", run->setting("num_envs")))
      one = phase_of(*run, "sample", "env_step", envs);
    all.seconds += one.seconds;
    all.calls += one.calls;
  }
  return all;
}

} // namespace

std::string programs_section(const std::vector<Group> &groups) {
  HtmlTable table{{"group", "entry point", "artifact", "MFLOP per call",
                   "MB per call", "µs per call in training", "GFLOP/s"},
                  {},
                  3};
  for (std::size_t i = 0; i < groups.size(); i++) {
    const auto &runs = groups[i].runs;
    const auto run = std::find_if(runs.begin(), runs.end(), [](const Run *one) {
      return !one->entries.empty();
    });
    if (run == runs.end())
      continue;
    for (const ProgramEntry &entry : (*run)->entries) {
      const double micros = phase_of(groups[i], entry.name).micros();
      table.rows.push_back(
          {swatch(static_cast<int>(i)) + escape(groups[i].label),
           "<code>" + escape(entry.name) + "</code>",
           short_hash((*run)->artifact_hash),
           fmt::format("{:.3f}", static_cast<double>(entry.flops) / 1e6),
           fmt::format("{:.3f}", static_cast<double>(entry.bytes) / 1e6),
           readable(micros),
           readable(static_cast<double>(entry.flops) / micros / 1e3)});
    }
  }
  if (table.rows.empty())
    return "";
  return "<h2>Compiled programs</h2>\n<details><summary>Arithmetic, memory "
         "traffic and time of each entry point; a multiply-add is 2 "
         "FLOP</summary>" +
         draw(table) +
         "<p>FLOP and bytes as the artifact states them. Time: the seconds of "
         "the phases update and sample from the first update on, over their "
         "calls, so copying in and out is inside; – where training does not "
         "call the entry point.</p></details>";
}

} // namespace phlox::report
