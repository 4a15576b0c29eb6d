#include "tools/report/table.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <optional>

namespace phlox::report {
namespace {

constexpr std::size_t shown = 40; // characters of a bad field in a message

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == text.npos)
      return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument)
    return std::nullopt;
  if (error == std::errc::result_out_of_range)
    return std::nullopt;
  return value;
}

// the numbers of a list; empty if one is none
std::vector<double> numbers_of(std::string_view list) {
  std::vector<double> values;
  for (std::string_view part : split(list, ' ')) {
    const auto value = number(part);
    if (!value)
      return {};
    values.push_back(*value);
  }
  return values;
}

class Reader {
public:
  Reader(const std::string &path, Table &table) : path_(path), table_(table) {}

  void header(std::string_view line, const std::vector<std::string> &required) {
    for (std::string_view name : split(line, ','))
      table_.names.emplace_back(name);
    if (table_.names.size() < required.size() ||
        !std::equal(required.begin(), required.end(), table_.names.begin())) {
      table_.names.clear();
      stop(1, fmt::format("the header must begin with {}: got '{}'",
                          fmt::join(required, ","), line.substr(0, shown)));
    }
    table_.columns.resize(table_.names.size());
  }

  void row(std::string_view line, std::size_t count, bool ended) {
    const auto fields = split(line, ',');
    if (fields.size() != table_.names.size())
      return stop(count, fmt::format("a row must have {} fields: got {}",
                                     table_.names.size(), fields.size()));
    // the last field may have lost digits with the end of its line
    if (!ended)
      return stop(count, "a row must end with a line break: got a cut one");
    std::vector<double> values(fields.size(),
                               std::numeric_limits<double>::quiet_NaN());
    std::vector<double> list;
    int not_finite = 0;
    for (std::size_t i = 0; i < fields.size(); i++) {
      if (fields[i].empty())
        continue;
      const bool is_list = table_.names[i] == "returns";
      if (is_list)
        list = numbers_of(fields[i]);
      const auto value = is_list ? std::optional(0.0) : number(fields[i]);
      if (!value || (is_list && list.empty()))
        return stop(count,
                    fmt::format("'{}' must be a number: got '{}'",
                                table_.names[i], fields[i].substr(0, shown)));
      if (!is_list)
        values[i] = *value;
      not_finite += !std::isfinite(*value);
    }
    if (!std::isfinite(values[0]) || values[0] < 0)
      return stop(count, fmt::format("'{}' must be a count: got '{}'",
                                     table_.names[0], fields[0]));
    if (!table_.columns[0].empty() && values[0] < table_.columns[0].back())
      return stop(count, fmt::format("'{}' must not fall: got {} after {}",
                                     table_.names[0], values[0],
                                     table_.columns[0].back()));
    for (std::size_t i = 0; i < values.size(); i++)
      table_.columns[i].push_back(values[i]);
    table_.rows.emplace_back(line);
    table_.lists.push_back(std::move(list));
    table_.not_finite += not_finite;
  }

private:
  void stop(std::size_t line, const std::string &why) {
    table_.damage = fmt::format("{}:{}: {}", path_, line, why);
  }

  const std::string &path_;
  Table &table_;
};

} // namespace

const std::vector<double> *Table::find(std::string_view name) const {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? nullptr : &columns[at - names.begin()];
}

Table read_table(const std::string &path, std::string_view text,
                 const std::vector<std::string> &required) {
  Table table;
  Reader reader(path, table);
  for (std::size_t count = 1; table.damage.empty(); count++) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (count == 1)
      reader.header(line, required);
    else if (!line.empty() || end != text.npos)
      reader.row(line, count, end != text.npos);
    if (end == text.npos)
      break;
    text.remove_prefix(end + 1);
  }
  return table;
}

} // namespace phlox::report
