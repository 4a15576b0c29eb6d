// The report: one HTML page that needs nothing else.
#pragma once
#include "tools/report/group.h"
#include <string>
#include <vector>

namespace phlox::report {

/// Returns the page. The runs stay as they are; `groups` points into them.
std::string page(const std::vector<Run> &runs,
                 const std::vector<Group> &groups);

/// Returns "6 runs in 3 groups".
std::string counts(const std::vector<Run> &runs,
                   const std::vector<Group> &groups);

// Its parts, in order; each may be empty.
std::string summary_section(const std::vector<Group> &groups);
std::string notes_section(const std::vector<Run> &runs,
                          const std::vector<Group> &groups);
std::string learning_section(const std::vector<Group> &groups);
std::string comparison_section(const std::vector<Group> &groups);
std::string aggregate_section(const std::vector<Group> &groups);
std::string ends_section(const std::vector<Group> &groups);
std::string rewards_section(const std::vector<Group> &groups);
std::string diagnostics_section(const std::vector<Group> &groups);
std::string throughput_section(const std::vector<Group> &groups);
std::string cost_section(const std::vector<Group> &groups);
std::string differences_section(const std::vector<Group> &groups);
std::string programs_section(const std::vector<Group> &groups);
std::string runs_section(const std::vector<Run> &runs,
                         const std::vector<Group> &groups);
std::string data_section(const std::vector<Run> &runs);

/// Returns the names of the tasks, in the order of their first groups.
std::vector<std::string> tasks_of(const std::vector<Group> &groups);

/// Returns a spot in the colour of a group.
std::string swatch(int group);
/// Returns the first digits of a hash, the whole of it on pointing.
std::string short_hash(const std::string &hash);

/// Rows under a header, sortable by a tap; the columns after the first ones are
/// numbers. Cells are HTML.
struct HtmlTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::size_t text_columns = 1; // from the left
};
std::string draw(const HtmlTable &table);

} // namespace phlox::report
