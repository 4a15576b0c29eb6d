#include "rl/algorithms/settings.h"
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace phlox::rl {
namespace {

using Json = nlohmann::ordered_json;

void flatten(const nlohmann::json &from, const std::string &prefix,
             nlohmann::json &into) {
  for (const auto &[name, value] : from.items()) {
    std::string key = prefix.empty() ? name : prefix + "." + name;
    if (value.is_object())
      flatten(value, key, into);
    else if (into.contains(key))
      throw SettingsError(
          fmt::format("key '{}' must be set once: got it twice", key));
    else
      into[key] = value;
  }
}

// a value need not be UTF-8
template <class J> std::string shown(const J &value) {
  return value.dump(-1, ' ', false, J::error_handler_t::replace);
}

[[noreturn]] void refuse(std::string_view key, std::string_view wanted,
                         const nlohmann::json &got) {
  throw SettingsError(
      fmt::format("key '{}' must be {}: got {}", key, wanted, shown(got)));
}

bool exact_integer(const nlohmann::json &value, int64_t &result) {
  if (value.is_number_unsigned()) {
    auto number = value.get<uint64_t>();
    result = static_cast<int64_t>(number);
    return number <= static_cast<uint64_t>(INT64_MAX);
  }
  if (value.is_number_integer()) {
    result = value.get<int64_t>();
    return true;
  }
  if (!value.is_number_float())
    return false;
  double number = value.get<double>();
  if (std::abs(number) > 9e15 || number != std::floor(number))
    return false;
  result = static_cast<int64_t>(number);
  return true;
}

} // namespace

Json &SchemaWriter::add(std::string_view key, std::string_view type, Json value,
                        std::string_view doc) {
  schema.push_back(Json{{"key", key},
                        {"type", type},
                        {"default", std::move(value)},
                        {"doc", doc}});
  return schema.back();
}

void SchemaWriter::real(std::string_view key, double &value, double least,
                        double most, std::string_view doc) {
  Json &entry = add(key, "real", value, doc);
  if (std::isfinite(least))
    entry["least"] = least;
  if (std::isfinite(most))
    entry["most"] = most;
}
void SchemaWriter::optional_real(std::string_view key,
                                 std::optional<double> &value, double least,
                                 double most, std::string_view doc) {
  Json &entry = add(key, "real?", value ? Json(*value) : Json(nullptr), doc);
  entry["least"] = least;
  entry["most"] = most;
}
void SchemaWriter::integer(std::string_view key, int64_t &value, int64_t least,
                           int64_t most, std::string_view doc) {
  Json &entry = add(key, "integer", value, doc);
  entry["least"] = least;
  entry["most"] = most;
}
void SchemaWriter::flag(std::string_view key, bool &value,
                        std::string_view doc) {
  add(key, "flag", value, doc);
}
void SchemaWriter::choice(std::string_view key, std::string &value,
                          Choices choices, std::string_view doc) {
  add(key, "choice", value, doc)["choices"] = choices;
}
void SchemaWriter::sizes(std::string_view key, std::vector<int64_t> &value,
                         std::string_view doc) {
  add(key, "sizes", value, doc);
}

SettingsReader::SettingsReader(const nlohmann::json &config)
    : flat(nlohmann::json::object()) {
  if (!config.is_object() && !config.is_null())
    throw SettingsError(
        fmt::format("configuration must be an object: got {}", config.dump()));
  if (config.is_object())
    flatten(config, "", flat);
}

const nlohmann::json *SettingsReader::find(std::string_view key) {
  known.emplace(key);
  auto found = flat.find(std::string(key));
  return found == flat.end() ? nullptr : &*found;
}

void SettingsReader::real(std::string_view key, double &value, double least,
                          double most, std::string_view) {
  const nlohmann::json *json = find(key);
  if (!json)
    return;
  double number = json->is_number() ? json->get<double>() : NAN;
  if (!(number >= least && number <= most) || !std::isfinite(number))
    refuse(key, fmt::format("a number from {} to {}", least, most), *json);
  value = number;
}

void SettingsReader::optional_real(std::string_view key,
                                   std::optional<double> &value, double least,
                                   double most, std::string_view) {
  const nlohmann::json *json = find(key);
  if (!json || json->is_null())
    return;
  double number = json->is_number() ? json->get<double>() : NAN;
  if (!(number >= least && number <= most))
    refuse(key, fmt::format("a number from {} to {}, or null", least, most),
           *json);
  value = number;
}

void SettingsReader::integer(std::string_view key, int64_t &value,
                             int64_t least, int64_t most, std::string_view) {
  const nlohmann::json *json = find(key);
  if (!json)
    return;
  int64_t number = 0;
  if (!exact_integer(*json, number) || number < least || number > most)
    refuse(key, fmt::format("an integer from {} to {}", least, most), *json);
  value = number;
}

void SettingsReader::flag(std::string_view key, bool &value, std::string_view) {
  const nlohmann::json *json = find(key);
  if (!json)
    return;
  if (!json->is_boolean())
    refuse(key, "true or false", *json);
  value = json->get<bool>();
}

void SettingsReader::choice(std::string_view key, std::string &value,
                            Choices choices, std::string_view) {
  const nlohmann::json *json = find(key);
  if (!json)
    return;
  for (std::string_view allowed : choices)
    if (json->is_string() && json->get<std::string>() == allowed) {
      value = allowed;
      return;
    }
  refuse(key, fmt::format("one of {}", fmt::join(choices, ", ")), *json);
}

void SettingsReader::sizes(std::string_view key, std::vector<int64_t> &value,
                           std::string_view) {
  const nlohmann::json *json = find(key);
  if (!json)
    return;
  std::vector<int64_t> result;
  bool fits = json->is_array() && json->size() <= 64;
  for (size_t i = 0; fits && i < json->size(); ++i) {
    int64_t size = 0;
    fits = exact_integer((*json)[i], size) && size >= 1 && size <= 1 << 20;
    result.push_back(size);
  }
  if (!fits)
    refuse(key, "a list of at most 64 sizes, each from 1 to 1048576", *json);
  value = result;
}

void SettingsReader::finish() const {
  for (const auto &[key, value] : flat.items())
    if (!known.contains(key))
      throw SettingsError(fmt::format("key must be one of {}: got '{}'",
                                      fmt::join(known, ", "), key));
}

namespace {

// reads a key as its row says
void read(SettingsReader &reader, const Json &row) {
  const auto key = row.at("key").get<std::string>();
  const auto type = row.at("type").get<std::string>();
  double real = 0, least = row.value("least", -INFINITY),
         most = row.value("most", INFINITY);
  std::optional<double> optional;
  int64_t integer = 0;
  bool flag = false;
  std::string word;
  std::vector<int64_t> sizes;
  if (type == "real")
    reader.real(key, real, least, most, "");
  else if (type == "real?")
    reader.optional_real(key, optional, least, most, "");
  else if (type == "integer")
    reader.integer(key, integer, row.value("least", INT64_MIN),
                   row.value("most", INT64_MAX), "");
  else if (type == "flag")
    reader.flag(key, flag, "");
  else if (type == "choice") {
    const auto choices = row.at("choices").get<std::vector<std::string>>();
    reader.choice(key, word, {choices.begin(), choices.end()}, "");
  } else if (type == "sizes")
    reader.sizes(key, sizes, "");
  else
    throw SettingsError(fmt::format("key '{}' must be of type real, real?, "
                                    "integer, flag, choice or sizes: got '{}'",
                                    key, type));
}

// what TOML takes as a key without quotes, in lower case
bool is_key(std::string_view key) {
  return key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") ==
             key.npos &&
         !key.starts_with('.') && !key.ends_with('.') &&
         key.find("..") == key.npos;
}

void check_prefixes(const std::set<std::string> &keys) {
  for (const std::string &key : keys)
    for (size_t at = key.find('.'); at != key.npos; at = key.find('.', at + 1))
      if (const std::string table = key.substr(0, at); keys.contains(table))
        throw SettingsError(
            fmt::format("key '{}' must not lie below another: got key '{}' too",
                        key, table));
}

} // namespace

void check_schema(const Json &schema, const nlohmann::json &values) {
  std::set<std::string> keys;
  for (const Json &row : schema)
    try {
      const auto key = row.at("key").get<std::string>();
      if (key.empty() || row.at("doc").get<std::string>().empty())
        throw SettingsError(
            fmt::format("key '{}' must have a name and a line of text: got {}",
                        key, shown(row)));
      if (!is_key(key))
        throw SettingsError(fmt::format(
            "key must be a-z, 0-9 and '_', with '.' between parts: got {}",
            shown(row["key"])));
      if (!keys.insert(key).second)
        throw SettingsError(
            fmt::format("key '{}' must be listed once: got it twice", key));
      auto fallback = nlohmann::json::object();
      fallback[key] = row.at("default");
      SettingsReader alone(fallback);
      read(alone, row);
      alone.finish();
    } catch (const nlohmann::json::exception &) {
      throw SettingsError(fmt::format(
          "a key's row must have key, type, default, doc and the type's "
          "bounds or choices: got {}",
          shown(row)));
    }
  check_prefixes(keys);
  if (!values.is_object() && !values.is_null())
    throw SettingsError(
        fmt::format("as_published must be an object: got {}", shown(values)));
  SettingsReader reader(values);
  for (const Json &row : schema)
    read(reader, row);
  reader.finish();
}

} // namespace phlox::rl
