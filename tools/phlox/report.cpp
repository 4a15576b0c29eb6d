// phlox report: one HTML page about finished and unfinished runs.
#include "rl/trainer/errors.h"
#include "tools/phlox/verbs.h"
#include "tools/phlox/write_report.h"
#include <fmt/core.h>

namespace phlox::tools {

void add_report_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand(
      "report", "Write one HTML page about runs: curves, intervals, tables");
  auto runs = std::make_shared<std::vector<std::string>>();
  auto out = std::make_shared<std::string>("report.html");
  verb->add_option("RUN", *runs, "Run folders, or folders that hold some")
      ->required();
  verb->add_option("-o", *out, "The page, a file in .html [report.html]")
      ->check([](const std::string &name) {
        // no typing error may take the place of a run's table
        return name.ends_with(".html")
                   ? std::string()
                   : "must name a file that ends in .html: got '" + name + "'";
      });
  verb->callback([runs, out] {
    try {
      fmt::print("{}\n", write_report(*runs, *out, true));
    } catch (const rl::UsageError &error) {
      throw CLI::ValidationError(error.what());
    }
  });
}

} // namespace phlox::tools
