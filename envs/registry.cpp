#include "envs/registry.h"
#include "envs/plugin.h"
#include "envs/tasks.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <map>
#include <numeric>
#include <stdexcept>

namespace phlox::envs {
namespace {

std::vector<Entry> &mutable_environments() {
  static std::vector<Entry> entries = {ant_entry(),
                                       half_cheetah_entry(),
                                       hopper_entry(),
                                       humanoid_entry(),
                                       humanoid_standup_entry(),
                                       inverted_double_pendulum_entry(),
                                       inverted_pendulum_entry(),
                                       pusher_entry(),
                                       reacher_entry(),
                                       swimmer_entry(),
                                       walker2d_entry(),
                                       franka_kitchen_entry(),
                                       kitchen_1_entry(),
                                       kitchen_4_entry(),
                                       lqr_entry(),
                                       multigoal_entry(),
                                       multigoal_bandit_entry(),
                                       bandit_1d_entry()};
  return entries;
}

// Levenshtein distance that ignores case
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const bool equal = std::tolower(static_cast<unsigned char>(a[i])) ==
                         std::tolower(static_cast<unsigned char>(b[j]));
      const std::size_t change = diagonal + (equal ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// the three nearest, ties in the order of registration
std::vector<std::string> nearest_ids(std::string_view id) {
  std::multimap<std::size_t, std::string> by_distance;
  for (const Entry &entry : environments())
    by_distance.emplace(edit_distance(id, entry.id), entry.id);
  std::vector<std::string> ids;
  for (const auto &[distance, known] : by_distance)
    if (ids.size() < 3)
      ids.push_back(known);
  return ids;
}

// JSON on one line, also of strings that are not UTF-8
std::string text(const Kwargs &value) {
  return value.dump(-1, ' ', false, Kwargs::error_handler_t::replace);
}

bool is_range(const Kwargs &value) {
  return value.is_array() && value.size() == 2 && !value[0].is_array();
}

double end_of_range(const Kwargs &value) {
  if (value == "inf" || value == "-inf")
    return value == "inf" ? HUGE_VAL : -HUGE_VAL;
  return value.is_number() ? value.get<double>() : NAN;
}

// infinite ends as strings, since JSON has no number for them
Kwargs written(double end) {
  return std::isinf(end) ? Kwargs(end < 0 ? "-inf" : "inf") : Kwargs(end);
}

bool is_names(const Kwargs &value) {
  return value.is_array() && !value.empty() && value[0].is_string() &&
         !is_range(value);
}

const char *type_name(const Kwargs &value) {
  if (is_names(value))
    return "a list of strings";
  if (value.is_number_integer())
    return "an integer";
  if (value.is_number())
    return "a finite number";
  if (value.is_boolean())
    return "true or false";
  if (is_range(value))
    return "a range [low, high]";
  return value.is_string() ? "a string" : "a number or a matrix";
}

// returns the value in the type of the default, or null if it does not fit
Kwargs converted(const Kwargs &value, const Kwargs &like) {
  if (like.is_number_integer()) {
    if (value.is_number_integer())
      return value;
    // 1e3 is a float in most notations
    const double number = value.is_number_float() ? value.get<double>() : .5;
    if (number == std::floor(number) && std::abs(number) < 0x1p53)
      return static_cast<std::int64_t>(number);
    return nullptr;
  }
  if (like.is_number()) {
    if (value.is_number() && std::isfinite(value.get<double>()))
      return value.get<double>();
    return nullptr;
  }
  if (is_range(like)) {
    if (!is_range(value))
      return nullptr;
    const Range range{end_of_range(value[0]), end_of_range(value[1])};
    if (!(range.low <= range.high))
      return nullptr;
    return Kwargs::array({written(range.low), written(range.high)});
  }
  if (is_names(like)) {
    const auto is_string = [](const Kwargs &name) { return name.is_string(); };
    return value.is_array() && std::ranges::all_of(value, is_string) ? value
                                                                     : Kwargs();
  }
  if (like.is_array())
    return value.is_array() || value.is_number() ? value : Kwargs();
  return value.type() == like.type() ? value : Kwargs();
}

} // namespace

const std::vector<Entry> &environments() { return mutable_environments(); }

void register_environment(Entry entry) {
  for (const Entry &known : environments())
    if (known.id == entry.id)
      throw std::invalid_argument(fmt::format(
          "an environment's id must be new: got '{}' again", entry.id));
  mutable_environments().push_back(std::move(entry));
}

const Entry &find_environment(std::string_view name) {
  const auto [path, id] = split_plugin_id(name);
  if (!path.empty()) {
    const auto &own = load_plugin(path);
    if (id.empty())
      throw std::invalid_argument(
          fmt::format("{}: environment must be named as PATH.so:ID, one of {}: "
                      "got no ID",
                      path, fmt::join(own, ", ")));
    if (std::ranges::find(own, id) == own.end())
      throw std::invalid_argument(
          fmt::format("{}: environment must be one of {}: got '{}'", path,
                      fmt::join(own, ", "), id));
  }
  for (const Entry &entry : environments())
    if (entry.id == id)
      return entry;
  throw std::invalid_argument(
      fmt::format("environment must be a known id: got '{}', nearest known: {}",
                  id, fmt::join(nearest_ids(id), ", ")));
}

Kwargs resolve_kwargs(const Entry &entry, const Kwargs &given) {
  if (!given.is_object() && !given.is_null())
    throw std::invalid_argument(
        fmt::format("{}: keyword arguments must be an object: got {}", entry.id,
                    text(given)));
  Kwargs resolved = entry.defaults;
  for (const auto &[key, value] : given.items()) {
    if (!resolved.contains(key)) {
      std::vector<std::string> keys;
      for (const auto &[known, unused] : entry.defaults.items())
        keys.push_back(known);
      throw std::invalid_argument(
          fmt::format("{}: keyword argument must be one of {}: got '{}'",
                      entry.id, fmt::join(keys, ", "), key));
    }
    Kwargs fitting = converted(value, entry.defaults[key]);
    std::string wanted = type_name(entry.defaults[key]);
    if (fitting.is_null() && entry.alternatives.contains(key)) {
      fitting = converted(value, entry.alternatives[key]);
      wanted += fmt::format(" or {}", type_name(entry.alternatives[key]));
    }
    if (fitting.is_null())
      throw std::invalid_argument(
          fmt::format("{}: keyword argument '{}' must be {}: got {}", entry.id,
                      key, wanted, text(value)));
    resolved[key] = std::move(fitting);
  }
  return resolved;
}

int positive_int(std::string_view id, const Kwargs &kwargs, const char *key) {
  const auto value = kwargs.at(key).get<std::int64_t>();
  if (value < 1 || value > std::numeric_limits<int>::max())
    throw std::invalid_argument(
        fmt::format("{}: keyword argument '{}' must be 1 to {}: got {}", id,
                    key, std::numeric_limits<int>::max(), value));
  return static_cast<int>(value);
}

Range range_of(const Kwargs &kwargs, const char *key) {
  const Kwargs &range = kwargs.at(key);
  return {end_of_range(range.at(0)), end_of_range(range.at(1))};
}

std::unique_ptr<Environment> make_environment(std::string_view id,
                                              const Kwargs &kwargs) {
  const Entry &entry = find_environment(id);
  return entry.make(resolve_kwargs(entry, kwargs));
}

VectorEnv make_vector_env(std::string_view id, const Kwargs &kwargs, int n,
                          std::uint64_t seed, std::string_view purpose,
                          int threads) {
  const Entry &entry = find_environment(id);
  const Kwargs resolved = resolve_kwargs(entry, kwargs);
  return VectorEnv(entry.make(resolved), text(resolved), n, seed, purpose,
                   threads);
}

} // namespace phlox::envs
