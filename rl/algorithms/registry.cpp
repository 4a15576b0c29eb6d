#include "rl/algorithms/registry.h"
#include "rl/algorithms/settings.h"
#include <algorithm>
#include <fmt/format.h>

namespace phlox::rl {
namespace {

std::vector<Algorithm> &table() {
  static std::vector<Algorithm> all;
  return all;
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
  auto place = std::lower_bound(
      table().begin(), table().end(), algorithm,
      [](const Algorithm &a, const Algorithm &b) { return a.name < b.name; });
  table().insert(place, std::move(algorithm));
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

} // namespace phlox::rl
