#include "tools/phlox/write_report.h"
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/errors.h"
#include "tools/phlox/output.h"
#include "tools/phlox/setup.h"
#include "tools/report/page.h"
#include <algorithm>
#include <fmt/format.h>
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

} // namespace

std::string write_report(const std::vector<std::string> &folders,
                         const fs::path &out, bool notes) {
  std::vector<fs::path> paths;
  std::set<fs::path> seen;
  for (const std::string &folder : folders)
    for (const fs::path &run : report::find_runs(folder))
      if (seen.insert(fs::canonical(run)).second)
        paths.push_back(run);
  demand_place("-o", out);
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
      if (notes)
        warn(note);
    }
  }
  const auto groups = report::group_runs(runs);
  rl::write_text(out, report::page(runs, groups));
  return fmt::format("{}: {}", out.string(), report::counts(runs, groups));
}

} // namespace phlox::tools
