#include "rl/algorithms/registry.h"
#include "rl/algorithms/settings.h"
#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace phlox::rl {
namespace {

std::vector<Algorithm> &table() {
  static std::vector<Algorithm> all;
  return all;
}

// where registrations go while a plug-in is loaded
std::vector<Algorithm> *incoming = nullptr;

void add(Algorithm algorithm) {
  auto place = std::lower_bound(
      table().begin(), table().end(), algorithm,
      [](const Algorithm &a, const Algorithm &b) { return a.name < b.name; });
  table().insert(place, std::move(algorithm));
}

// names become parts of folders' names
bool is_name(std::string_view name) {
  constexpr std::string_view others = "-_.";
  return !name.empty() && name.front() != '-' && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                  others.find(c) != others.npos;
         });
}

void check_names(const std::string &path, const std::vector<Algorithm> &added) {
  if (added.empty())
    throw std::runtime_error(
        fmt::format("{}: plug-in must register an algorithm: got none", path));
  for (const Algorithm &algorithm : added) {
    if (!is_name(algorithm.name))
      throw std::runtime_error(
          fmt::format("{}: an algorithm's name must be letters, digits, '-', "
                      "'_' and '.': got '{}'",
                      path, algorithm.name));
    const Algorithm *other = find_algorithm(algorithm.name);
    for (const Algorithm &one : added)
      if (&one != &algorithm && one.name == algorithm.name)
        other = &one;
    if (other)
      throw std::runtime_error(fmt::format(
          "{}: plug-in's algorithms must have names of their own: got '{}', "
          "which {} has",
          path, algorithm.name,
          other->plugin.empty() ? "Phlox" : other->plugin));
  }
}

void check_keys(const std::string &path, const Algorithm &algorithm) {
  try {
    check_schema(algorithm.schema, algorithm.as_published);
  } catch (const SettingsError &error) {
    throw std::runtime_error(fmt::format("{}: algorithm '{}': {}", path,
                                         algorithm.name, error.what()));
  }
}

} // namespace

const std::vector<Algorithm> &algorithms() { return table(); }

const Algorithm *find_algorithm(std::string_view name) {
  for (const Algorithm &algorithm : table())
    if (algorithm.name == name)
      return &algorithm;
  return nullptr;
}

Registration::Registration(Algorithm algorithm) {
  if (incoming)
    incoming->push_back(std::move(algorithm));
  else
    add(std::move(algorithm));
}

std::vector<std::string> add_plugin(const std::string &path,
                                    const std::function<void()> &load) {
  std::vector<Algorithm> added;
  incoming = &added;
  try {
    load();
  } catch (...) {
    incoming = nullptr;
    throw;
  }
  incoming = nullptr;
  for (Algorithm &algorithm : added)
    algorithm.plugin = path;
  check_names(path, added);
  for (const Algorithm &algorithm : added)
    check_keys(path, algorithm);
  std::vector<std::string> names;
  for (Algorithm &algorithm : added) {
    names.push_back(algorithm.name);
    add(std::move(algorithm));
  }
  return names;
}

void check_request(const EnvSpec &env, const std::vector<int> &acting) {
  if (env.obs_size < 1 || env.action_size < 1)
    throw SettingsError(
        fmt::format("task '{}' must have sizes of 1 or more: got {} "
                    "observations and {} actions",
                    env.name, env.obs_size, env.action_size));
  for (size_t i = 0; i < acting.size(); ++i) {
    if (acting[i] < 1)
      throw SettingsError(fmt::format(
          "batch size of acting must be 1 or more: got {}", acting[i]));
    if (std::find(acting.begin(), acting.begin() + i, acting[i]) !=
        acting.begin() + i)
      throw SettingsError(fmt::format(
          "batch size of acting must be given once: got {} twice", acting[i]));
  }
}

void add_acting(
    Program &program, const std::vector<int> &acting,
    const std::function<void(Entry &, int64_t rows, bool noisy)> &act) {
  for (int rows : acting) {
    std::string suffix = "_" + std::to_string(rows);
    program.entry("sample" + suffix, [&](Entry &e) { act(e, rows, true); });
    program.entry("evaluate" + suffix, [&](Entry &e) { act(e, rows, false); });
  }
}

} // namespace phlox::rl
