#include "rl/toml.h"
#include "tools/report/run.h"
#include <fmt/format.h>
#include <sstream>

namespace phlox::report {
namespace {

void flatten(const toml::table &table, const std::string &above,
             std::map<std::string, std::string> &values) {
  for (const auto &[name, node] : table) {
    const std::string key = above + std::string(name.str());
    if (const toml::table *inner = node.as_table()) {
      flatten(*inner, key + ".", values);
      continue;
    }
    if (const auto *number = node.as_floating_point()) {
      values[key] = fmt::format("{}", number->get());
      continue;
    }
    std::ostringstream text;
    // one value between brackets, strings in double quotes
    text << toml::toml_formatter(toml::array{node}, toml::format_flags::none);
    std::string one = text.str(); // [ VALUE ]
    const std::size_t begin = one.find_first_not_of(" \n", 1);
    const std::size_t end = one.find_last_not_of(" \n", one.size() - 2);
    one = one.substr(begin, end - begin + 1);
    // [ 8, 8 ] as people write it
    if (node.is_array() && one.starts_with("[ ") && one.ends_with(" ]"))
      one = "[" + one.substr(2, one.size() - 4) + "]";
    values[key] = one;
  }
}

} // namespace

std::map<std::string, std::string> read_config(const std::string &path,
                                               const std::string &text) {
  std::map<std::string, std::string> values;
  try {
    flatten(rl::parse_toml(text), "", values);
  } catch (const toml::parse_error &error) {
    throw std::runtime_error(fmt::format("{}:{}: must be TOML: got: {}", path,
                                         error.source().begin.line,
                                         error.description()));
  }
  return values;
}

} // namespace phlox::report
