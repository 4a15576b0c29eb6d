// Shared by the tests of environments.
#pragma once
#include "envs/registry.h"

#include <cctype>
#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace phlox::envs {

/// Returns the message that a call throws, empty if it throws none.
template <class Exception, class Call> std::string message_of(Call call) {
  try {
    call();
  } catch (const Exception &error) {
    return error.what();
  }
  return "";
}

/// Returns the ids of all tasks, or of those that are simulated.
inline std::vector<std::string> all_tasks() {
  std::vector<std::string> ids;
  for (const Entry &entry : environments())
    ids.push_back(entry.id);
  return ids;
}
inline std::vector<std::string> simulated_tasks() {
  std::vector<std::string> ids;
  for (const Entry &entry : environments())
    if (entry.defaults.contains("xml_file"))
      ids.push_back(entry.id);
  return ids;
}

/// Names the case of a parameter that is an id.
inline std::string
case_name(const ::testing::TestParamInfo<std::string> &info) {
  std::string name = info.param.substr(0, info.param.find("-v"));
  std::erase_if(name, [](unsigned char c) { return !std::isalnum(c); });
  return name;
}

/// Returns actions in [-1.2, 1.2] for step t of n environments; they depend on
/// (environment, t) alone.
inline std::vector<float> test_actions(const VectorEnv &env, int t) {
  std::vector<float> actions;
  for (int i = 0; i < env.size(); ++i)
    for (int j = 0; j < env.action_size(); ++j)
      actions.push_back(1.2f * std::sin(.3f * static_cast<float>(t) +
                                        static_cast<float>(j) +
                                        .7f * static_cast<float>(i)));
  return actions;
}

/// Returns all that one step showed, bit for bit.
struct Seen {
  std::vector<float> obs, next_obs;
  std::vector<double> reward, episode_return;
  std::vector<std::uint8_t> terminated, truncated;
  std::vector<int> episode_length;
  bool operator==(const Seen &) const = default;
};

/// Takes the rows of the first n environments.
inline Seen see(const VectorEnv &env, int n) {
  const auto head = [&](auto rows, int width) {
    const auto part = rows.first(static_cast<std::size_t>(n * width));
    return std::vector(part.begin(), part.end());
  };
  return {head(env.obs(), env.obs_size()), head(env.next_obs(), env.obs_size()),
          head(env.reward(), 1),           head(env.episode_return(), 1),
          head(env.terminated(), 1),       head(env.truncated(), 1),
          head(env.episode_length(), 1)};
}

} // namespace phlox::envs
