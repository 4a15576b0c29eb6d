#include "tools/report/page.h"
#include "tools/report/format.h"
#include <fmt/ranges.h>

namespace phlox::report {
namespace {

constexpr const char *style =
#include "tools/report/page_css.inc"
    ;
constexpr const char *script =
#include "tools/report/page_js.inc"
    ;

} // namespace

std::string counts(const std::vector<Run> &runs,
                   const std::vector<Group> &groups) {
  auto of = [](std::size_t count, const char *what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  return of(runs.size(), "run") + " in " + of(groups.size(), "group");
}

std::string data_section(const std::vector<Run> &runs) {
  std::string data;
  for (const Run &run : runs) {
    data += fmt::format(
        "{}\n{{\"run\":\"{}\",\"header\":\"{}\",\"rows\":[",
        data.empty() ? "" : ",", json_text(run.name),
        json_text(fmt::format("{}", fmt::join(run.eval.names, ","))));
    for (std::size_t i = 0; i < run.eval.size(); i++)
      data +=
          fmt::format("{}\"{}\"", i ? ",\n" : "", json_text(run.eval.rows[i]));
    data += "]}";
  }
  return fmt::format(
      "<p><button id=\"download\">Save all evaluations as CSV</button></p>\n"
      "<script type=\"application/json\" id=\"data\">[{}]</script>\n",
      data);
}

std::string page(const std::vector<Run> &runs,
                 const std::vector<Group> &groups) {
  std::string title = "Phlox report:";
  for (const std::string &env : tasks_of(groups))
    title += " " + env;
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<title>{0}</title>\n<style>{1}</style></head>\n"
      "<body><main><h1>{0}</h1>\n<p>{2}; a group shares "
      "algorithm, task and configuration apart from the seed.</p>\n",
      escape(title), style, counts(runs, groups));
  out += summary_section(groups);
  out += notes_section(runs, groups);
  out += learning_section(groups);
  out += comparison_section(groups);
  out += aggregate_section(groups);
  out += ends_section(groups);
  out += rewards_section(groups);
  out += diagnostics_section(groups);
  out += throughput_section(groups);
  out += cost_section(groups);
  out += differences_section(groups);
  out += programs_section(groups);
  out += runs_section(runs, groups);
  out += data_section(runs);
  return out +
         fmt::format("</main><script>{}</script></body></html>\n", script);
}

} // namespace phlox::report
