// What the trainer needs of vectorised environments. An environment satisfies
// the concept without including this file; tools/ joins both.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace phlox::rl {

/// A set of n environments stepped together with auto-reset (SAME_STEP).
///
/// Shapes:  actions (n, A) in [-1, 1], float32; the environment maps them to
/// its
///          own units. obs (n, O): what to act on next; next_obs (n, O): the
///          true successor, different from obs only where an episode ended.
///          reward, terminated, truncated (n).
/// Units:   reward in the task's own units, never scaled.
/// Errors:  step, reset and load throw std::runtime_error with one clear line.
template <class E>
concept VectorEnvironment =
    requires(E env, const E &view, std::span<const float> actions,
             std::span<const std::byte> bytes) {
      { view.size() } -> std::same_as<int>;        // n
      { view.obs_size() } -> std::same_as<int>;    // O
      { view.action_size() } -> std::same_as<int>; // A
      { view.max_episode_steps() } -> std::same_as<int>;
      // episode e of environment i draws from the stream (seed, purpose, i, e)
      { env.reset() } -> std::same_as<void>;
      { env.step(actions) } -> std::same_as<void>;
      { view.obs() } -> std::same_as<std::span<const float>>;
      { view.next_obs() } -> std::same_as<std::span<const float>>;
      { view.reward() } -> std::same_as<std::span<const double>>;
      { view.terminated() } -> std::same_as<std::span<const std::uint8_t>>;
      { view.truncated() } -> std::same_as<std::span<const std::uint8_t>>;
      // return (undiscounted sum) and length of the running episode; where an
      // episode ended in the last step, of the finished one
      { view.episode_return() } -> std::same_as<std::span<const double>>;
      { view.episode_length() } -> std::same_as<std::span<const int>>;
      // broken simulator states met so far
      { view.sim_warnings() } -> std::same_as<std::int64_t>;
      // everything needed to go on bit for bit
      { view.save() } -> std::same_as<std::vector<std::byte>>;
      { env.load(bytes) } -> std::same_as<void>;
    };

// An environment may also say, and is asked only if it does:
//   reward_part_names()  std::span<const std::string>, (P)
//   reward_parts()       std::span<const double>, (n, P): what the rewards of
//                        the last step were made of
//   success()            std::span<const double>, (n): from 0 to 1, of the
//                        same episodes as episode_return(); or empty

} // namespace phlox::rl
