#include "rl/trainer/config.h"
#include "rl/toml.h"
#include "rl/trainer/errors.h"
#include "runtime/file.h"
#include "runtime/sha256.h"
#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>
#include <set>
#include <sstream>

namespace phlox::rl {
namespace {

using nlohmann::json;

json from_toml(const toml::node &node) {
  if (auto value = node.as_boolean())
    return value->get();
  if (auto value = node.as_integer())
    return value->get();
  if (auto value = node.as_floating_point())
    return value->get();
  if (auto value = node.as_string())
    return value->get();
  if (auto array = node.as_array()) {
    json result = json::array();
    for (const toml::node &one : *array)
      result.push_back(from_toml(one));
    return result;
  }
  std::ostringstream text; // dates and tables inside arrays
  node.visit([&](const auto &value) { text << value; });
  return text.str();
}

// calls take(key, value, line) for every value of nested tables
template <class F>
void flatten(const toml::table &table, const std::string &above, F &&take) {
  for (const auto &[name, node] : table) {
    std::string key = above + std::string(name.str());
    if (const toml::table *inner = node.as_table())
      flatten(*inner, key + ".", take);
    else
      take(key, from_toml(node), node.source().begin.line);
  }
}

std::string toml_value(const json &value) {
  if (value.is_number_float()) {
    double number = value.get<double>();
    if (std::isnan(number))
      return "nan";
    if (std::isinf(number))
      return number < 0 ? "-inf" : "inf";
    std::string text = fmt::format("{}", number);
    // a float stays a float
    return text.find_first_of(".e") == text.npos ? text + ".0" : text;
  }
  if (!value.is_array())
    return value.dump(); // JSON's strings are TOML's basic strings
  std::vector<std::string> parts;
  for (const json &one : value)
    parts.push_back(toml_value(one));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

std::string toml_key(const std::string &key) {
  std::string result, part;
  std::istringstream parts(key);
  while (std::getline(parts, part, '.')) {
    bool bare = !part.empty() &&
                std::all_of(part.begin(), part.end(), [](unsigned char c) {
                  return std::isalnum(c) || c == '_' || c == '-';
                });
    result += (result.empty() ? "" : ".") + (bare ? part : json(part).dump());
  }
  return result;
}

} // namespace

void Config::put(const std::string &key, const json &value, Level level,
                 const std::string &origin, const std::string &where) {
  const KeySpec *spec = schema_.find(key);
  if (!spec)
    throw UsageError(fmt::format("{}: key must be known: got '{}'; {}", where,
                                 key, schema_.hint(key)));
  json checked;
  try {
    checked = typed(*spec, value, key);
  } catch (const UsageError &error) {
    throw UsageError(fmt::format("{}: {}", where, error.what()));
  }
  Value &now = values_[key];
  if (level >= now.level)
    now = {std::move(checked), level, origin};
}

void Config::text(std::string_view text, Level level, const std::string &name,
                  const std::string &origin) {
  toml::table table;
  try {
    table = parse_toml(text);
  } catch (const toml::parse_error &error) {
    throw UsageError(
        fmt::format("{}:{}:{}: must be TOML with each key once: got: {}", name,
                    error.source().begin.line, error.source().begin.column,
                    error.description()));
  }
  Config next = *this; // nothing of a bad file stays
  flatten(table, "", [&](const std::string &key, const json &value, auto line) {
    next.put(key, value, level, origin, fmt::format("{}:{}", name, line));
  });
  values_ = std::move(next.values_);
}

void Config::preset(std::string_view toml, const std::string &name) {
  text(toml, Level::preset, name, "preset");
}

void Config::checkpoint(std::string_view toml, const std::string &name) {
  text(toml, Level::checkpoint, name, "checkpoint");
}

void Config::published(std::string_view toml) {
  const std::string option = "--as-published";
  text(toml, Level::published, option, option);
}

void Config::file(const std::string &path) {
  std::vector<std::byte> bytes;
  try {
    bytes = runtime::read_file(path);
  } catch (const std::exception &error) {
    throw UsageError(error.what());
  }
  text({reinterpret_cast<const char *>(bytes.data()), bytes.size()},
       Level::file, path, path);
}

void Config::assign(const std::string &key, std::string_view value, Level level,
                    const std::string &origin) {
  const KeySpec *spec = schema_.find(key);
  json parsed = std::string(value);
  try {
    (void)parsed.dump();
  } catch (const json::type_error &) {
    throw UsageError(
        fmt::format("{}: {} must be UTF-8: got other bytes", origin, key));
  }
  // what is text alone is taken as it stands, --name 7 included
  if (!spec || spec->type != "string" || value.starts_with('"') ||
      value.starts_with('\'')) {
    try {
      toml::table table = parse_toml(fmt::format("value = {}", value));
      if (table.size() == 1 && !table.get("value")->is_table())
        parsed = from_toml(*table.get("value"));
    } catch (const toml::parse_error &) {
      // a string without quotes
    }
  }
  put(key, parsed, level, origin, origin);
}

void Config::set(std::string_view assignment) {
  std::size_t at = assignment.find('=');
  if (at == assignment.npos || at == 0)
    throw UsageError(
        fmt::format("--set must be KEY=VALUE: got '{}'", assignment));
  auto trim = [](std::string_view text) {
    while (!text.empty() && text.front() == ' ')
      text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
      text.remove_suffix(1);
    return text;
  };
  assign(std::string(trim(assignment.substr(0, at))),
         trim(assignment.substr(at + 1)), Level::set, "--set");
}

void Config::flag(std::string_view key, std::string_view value,
                  const std::string &option) {
  assign(std::string(key), value, Level::flag, option);
}

void Config::artifact(const json &values) {
  for (const auto &[key, value] : values.items()) {
    const KeySpec *spec = schema_.find(key);
    json wanted = spec ? typed(*spec, value, key) : value;
    auto now = values_.find(key);
    if (now != values_.end() && now->second.level >= Level::file &&
        now->second.value != wanted)
      throw UsageError(fmt::format(
          "{}: {} must be {}, as the artifact was compiled: got {}",
          now->second.origin, key, shown(wanted), shown(now->second.value)));
    values_[key] = {wanted, Level::artifact, "artifact"};
  }
}

const json &Config::at(std::string_view key) const {
  static const json unset;
  if (auto found = values_.find(key); found != values_.end())
    return found->second.value;
  const KeySpec *spec = schema_.find(key);
  return spec ? spec->fallback : unset;
}

std::string Config::origin(std::string_view key) const {
  auto found = values_.find(key);
  return found == values_.end() ? "default" : found->second.origin;
}

std::vector<std::pair<std::string, json>> Config::values() const {
  std::vector<std::pair<std::string, json>> all;
  std::set<std::string, std::less<>> seen;
  auto add = [&](const std::string &key) {
    if (!key.ends_with(".*") && !at(key).is_null() && seen.insert(key).second)
      all.emplace_back(key, at(key));
  };
  for (const KeySpec &spec : schema_.keys()) {
    add(spec.key);
    if (!spec.key.ends_with(".*"))
      continue;
    for (const auto &[key, value] : values_)
      if (schema_.find(key) == &spec)
        add(key);
  }
  for (const auto &[key, value] : values_) // an artifact's own
    add(key);
  return all;
}

json Config::part(const Schema &other) const {
  json result = json::object();
  for (const auto &[key, value] : values())
    if (other.find(key))
      result[key] = value;
  return result;
}

namespace {

// settings and comments, the comments below each other
class Lines {
public:
  void add(std::string line, std::string comment) {
    width_ = std::max(width_, std::min<std::size_t>(line.size(), 48));
    lines_.emplace_back(std::move(line), std::move(comment));
  }
  std::string text() const {
    std::string result;
    for (const auto &[line, comment] : lines_)
      result += fmt::format("{:<{}}  # {}\n", line, width_, comment);
    return result;
  }

private:
  std::vector<std::pair<std::string, std::string>> lines_;
  std::size_t width_ = 0;
};

std::string range_of(const KeySpec &spec) {
  std::string text = spec.type;
  if (std::isfinite(spec.least))
    text += fmt::format(" from {}", spec.least);
  if (spec.most < 1e15) // what is larger stands for no limit
    text += fmt::format(" to {}", spec.most);
  return text;
}

} // namespace

std::string Config::toml() const {
  Lines lines;
  for (const auto &[key, value] : values())
    lines.add(fmt::format("{} = {}", toml_key(key), toml_value(value)),
              origin(key));
  return lines.text();
}

std::string Config::explanation() const {
  Lines lines;
  for (const auto &[key, value] : values())
    if (const KeySpec *spec = schema_.find(key); spec && spec->key != key)
      lines.add(fmt::format("{} = {}", toml_key(key), toml_value(value)),
                fmt::format("one of {}: {}", spec->key, spec->doc));
  for (const KeySpec &spec : schema_.keys())
    if (const json &value = at(spec.key); value.is_null())
      lines.add(fmt::format("# {}", spec.key),
                fmt::format("{}: {}", range_of(spec), spec.doc));
    else
      lines.add(fmt::format("{} = {}", toml_key(spec.key), toml_value(value)),
                fmt::format("{}: {}", range_of(spec), spec.doc));
  return lines.text();
}

std::string Config::hash() const {
  std::set<std::string> kept;
  for (const auto &[key, value] : values())
    if (const KeySpec *spec = schema_.find(key); !spec || !spec->free_on_resume)
      kept.insert(key + "=" + toml_value(value) + "\n");
  std::string text = fmt::format("{}", fmt::join(kept, ""));
  return runtime::to_hex(runtime::sha256(std::as_bytes(std::span(text))));
}

std::vector<Difference> differences(const Config &before, const Config &after) {
  std::vector<Difference> result;
  std::set<std::string> keys;
  for (const auto &[key, value] : before.values())
    keys.insert(key);
  for (const auto &[key, value] : after.values())
    keys.insert(key);
  for (const std::string &key : keys)
    if (before.at(key) != after.at(key)) {
      const KeySpec *spec = after.schema().find(key);
      result.push_back(
          {key, before.at(key), after.at(key), spec && spec->free_on_resume});
    }
  return result;
}

} // namespace phlox::rl
