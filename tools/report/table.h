// Tables of a run folder, read as far as they are whole.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace phlox::report {

/// A CSV table: numbers by column, and its lines as they are.
struct Table {
  std::vector<std::string> names;
  std::vector<std::vector<double>> columns; // NaN: an empty field
  std::vector<std::string> rows;            // the lines, without their end
  std::vector<std::vector<double>> lists;   // of the column `returns`, by row
  std::string damage; // why reading stopped before the end; else empty
  int not_finite = 0; // fields that say nan or inf

  std::size_t size() const { return rows.size(); }
  /// Returns the column of a name, null if there is none.
  const std::vector<double> *find(std::string_view name) const;
};

/// Reads a table whose header begins with `required`, split at commas. A column
/// named `returns` holds numbers split at spaces, at least one.
/// Rows count up to the first that is cut or malformed, which `damage` names;
/// the column `env_step` must not fall.
Table read_table(const std::string &path, std::string_view text,
                 const std::vector<std::string> &required);

} // namespace phlox::report
