// phlox report: one HTML page about finished and unfinished runs.
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/errors.h"
#include "tools/phlox/setup.h"
#include "tools/phlox/verbs.h"
#include "tools/report/page.h"
#include <algorithm>
#include <filesystem>
#include <fmt/core.h>
#include <map>
#include <set>

namespace phlox::tools {
namespace {

namespace fs = std::filesystem;

// what artifacts state, by their hash: runs of a group mostly share one
class Programs {
public:
  void fill(report::Run &run) {
    const fs::path file = run.path / "artifact.so";
    if (const auto at = known_.find(run.artifact_hash);
        !run.artifact_hash.empty() && at != known_.end()) {
      run.entries = at->second;
      return;
    }
    try {
      const auto executable = load_executable(file.string());
      const auto *table = phlox_executable_table_of(executable.get());
      for (std::uint32_t i = 0; i < table->entry_count; i++)
        run.entries.push_back({table->entries[i].name, table->entries[i].flops,
                               table->entries[i].bytes});
      known_[table->hash] = run.entries;
    } catch (const std::exception &error) {
      run.notes.emplace_back(error.what());
    }
  }

private:
  std::map<std::string, std::vector<report::ProgramEntry>> known_;
};

void write(const std::vector<std::string> &folders, const fs::path &out) {
  std::vector<fs::path> paths;
  std::set<fs::path> seen;
  for (const std::string &folder : folders)
    for (const fs::path &run : report::find_runs(folder))
      if (seen.insert(fs::canonical(run)).second)
        paths.push_back(run);
  const fs::path parent = out.has_parent_path() ? out.parent_path() : ".";
  if (fs::is_directory(out) || !fs::is_directory(parent))
    throw rl::UsageError(fmt::format(
        "-o must name a file in a folder that exists: got '{}'", out.string()));
  std::vector<report::Run> runs;
  Programs programs;
  for (const fs::path &path : paths) {
    runs.push_back(report::read_run(path));
    programs.fill(runs.back());
    for (std::string note : runs.back().notes) {
      // what a damaged table holds must not steer a terminal
      std::replace_if(
          note.begin(), note.end(),
          [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
      fmt::print(stderr, "phlox: {}\n", note);
    }
  }
  const auto groups = report::group_runs(runs);
  rl::write_text(out, report::page(runs, groups));
  fmt::print("{}: {}\n", out.string(), report::counts(runs, groups));
}

} // namespace

void add_report_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand(
      "report", "Write one HTML page about runs: curves, intervals, tables");
  auto runs = std::make_shared<std::vector<std::string>>();
  auto out = std::make_shared<std::string>("report.html");
  verb->add_option("RUN", *runs, "Run folders, or folders that hold some")
      ->required();
  verb->add_option("-o", *out, "The page [report.html]");
  verb->callback([runs, out] {
    try {
      write(*runs, *out);
    } catch (const rl::UsageError &error) {
      throw CLI::ValidationError(error.what());
    }
  });
}

} // namespace phlox::tools
