// The inside of VectorEnv, shared by its stepping and its checkpoints.
#pragma once
#include "envs/vector_env.h"
#include "envs/workers.h"

#include <exception>
#include <functional>
#include <utility>

namespace phlox::envs {

/// One environment and the episode it is in.
struct VectorEnv::Slot {
  std::unique_ptr<Environment> environment;
  std::uint64_t episode = 0;         // number of the running episode
  std::uint64_t position = 0;        // draws of the episode's stream
  std::int64_t broken = 0;           // episodes that broke
  int elapsed = 0;                   // env steps of the running episode
  bool started = false;              // reset() was called
  std::vector<float> action = {};    // (A), task units
  std::vector<double> wide_obs = {}; // (O)
  std::exception_ptr error = nullptr;
};

/// What the last call of reset() or step() led to.
struct VectorEnv::Arrays {
  std::vector<float> obs, next_obs;                // (n, O)
  std::vector<double> reward, episode_return;      // (n)
  std::vector<std::uint8_t> terminated, truncated; // (n)
  std::vector<int> episode_length;                 // (n), env steps
};

struct VectorEnv::Impl {
  Impl(std::unique_ptr<Environment> environment, std::string made_with, int n,
       std::uint64_t noise_seed, std::string_view noise_purpose, int threads);

  /// Returns the running episode's stream at its position.
  Stream stream(std::size_t index) const;
  std::span<float> row(std::vector<float> &rows, std::size_t index) const;
  void observe(Slot &slot, std::span<float> into) const;
  void start_episode(std::size_t index);
  void step(std::size_t index, std::span<const float> action);
  /// Runs a task for every slot; throws the first slot's exception.
  void run(const std::function<void(std::size_t)> &task);

  Spec spec;
  std::string kwargs;
  std::uint64_t seed;
  std::string purpose;
  std::vector<float> action_middle, action_reach; // (A)
  std::vector<Slot> slots;
  Arrays arrays;
  Workers workers;
};

} // namespace phlox::envs
