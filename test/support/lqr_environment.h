// A scalar linear-quadratic task with real dynamics, for tests of the trainer:
// x' = .95 x + .4 (6 a) + w, w ~ N(0, .01), reward -(x^2 + .3 (6 a)^2).
#pragma once
#include "rl/replay/threefry.h"
#include "rl/trainer/any_environment.h"
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <thread>

namespace phlox::rl::test {

class LqrEnvironment {
public:
  struct Options {
    int limit = 100;             // env steps until truncation
    double terminate_at = 1e300; // |x| that ends an episode
    double reward_scale = 1;
    bool tells_more = false;         // the reward's parts, and a success
    std::int64_t bad_reward_at = -1; // vector step with an infinite reward
    bool breaks_evaluations = false; // their first steps count as broken
    int step_us = 0;                 // microseconds that a vector step takes
    // called before each vector step of training and of evaluations
    std::function<void(std::int64_t step)> at_step, at_evaluation;
    // called when the environments of training are saved
    std::function<void(std::int64_t step)> at_save;
  };

  LqrEnvironment(const EnvironmentRequest &request, const Options &options)
      : options_(options),
        before_step_(request.purpose == "env" ? options.at_step
                                              : options.at_evaluation),
        evaluates_(request.purpose != "env"),
        seed_(request.seed ^ fnv1a(request.purpose)), n_(request.num_envs),
        memory_(n_), obs_(n_), next_obs_(n_), reward_(n_), return_(n_),
        terminated_(n_), truncated_(n_), length_(n_) {
    if (!options.tells_more)
      return;
    names_ = {"reward_state", "effort"};
    parts_.resize(2 * n_);
    success_.resize(n_);
  }

  int size() const { return n_; }
  int obs_size() const { return 1; }
  int action_size() const { return 1; }
  int max_episode_steps() const { return options_.limit; }

  void reset() {
    steps_ = 0;
    for (int i = 0; i < n_; ++i) {
      memory_[i] = {};
      begin(i);
    }
  }

  void step(std::span<const float> actions) {
    if (before_step_)
      before_step_(steps_);
    if (options_.step_us > 0)
      std::this_thread::sleep_for(std::chrono::microseconds(options_.step_us));
    for (int i = 0; i < n_; ++i) {
      Memory &m = memory_[i];
      if (m.ended)
        m = {0, 0, 0, m.episode, 0};
      double u = 6.0 * actions[i];
      double x = state_of(i);
      reward_[i] = -(x * x + .3 * u * u) * options_.reward_scale;
      if (options_.tells_more) {
        parts_[2 * i] = -x * x * options_.reward_scale;
        parts_[2 * i + 1] = reward_[i] - parts_[2 * i];
        success_[i] = (i + 1.) / n_;
      }
      if (steps_ == options_.bad_reward_at)
        reward_[i] = INFINITY;
      double next = .95 * x + .4 * u + .1 * noise(i, m.length);
      m.x = next;
      ++m.length;
      m.total += reward_[i];
      terminated_[i] = std::abs(next) > options_.terminate_at;
      truncated_[i] = m.length >= options_.limit && !terminated_[i];
      return_[i] = m.total;
      length_[i] = m.length;
      next_obs_[i] = obs_[i] = static_cast<float>(next);
      m.ended = terminated_[i] || truncated_[i];
      if (m.ended) {
        ++m.episode;
        begin(i);
      }
    }
    ++steps_;
  }

  std::span<const float> obs() const { return obs_; }
  std::span<const float> next_obs() const { return next_obs_; }
  std::span<const double> reward() const { return reward_; }
  std::span<const std::uint8_t> terminated() const { return terminated_; }
  std::span<const std::uint8_t> truncated() const { return truncated_; }
  std::span<const double> episode_return() const { return return_; }
  std::span<const int> episode_length() const { return length_; }
  std::int64_t sim_warnings() const {
    return options_.breaks_evaluations && evaluates_ ? n_ : 0;
  }
  std::span<const std::string> reward_part_names() const { return names_; }
  std::span<const double> reward_parts() const { return parts_; }
  std::span<const double> success() const { return success_; }

  std::vector<std::byte> save() const {
    if (options_.at_save)
      options_.at_save(steps_);
    std::vector<std::byte> bytes(sizeof steps_ + n_ * sizeof(Memory));
    std::memcpy(bytes.data(), &steps_, sizeof steps_);
    std::memcpy(bytes.data() + sizeof steps_, memory_.data(),
                n_ * sizeof(Memory));
    return bytes;
  }
  void load(std::span<const std::byte> bytes) {
    if (bytes.size() != sizeof steps_ + n_ * sizeof(Memory))
      throw std::runtime_error("environment must load what it saved: got "
                               "another size");
    std::memcpy(&steps_, bytes.data(), sizeof steps_);
    std::memcpy(memory_.data(), bytes.data() + sizeof steps_,
                n_ * sizeof(Memory));
    for (int i = 0; i < n_; ++i)
      obs_[i] = static_cast<float>(state_of(i));
  }

private:
  struct Memory {
    double x = 0, total = 0;
    std::int64_t length = 0, episode = 0, ended = 0;
  };

  // after an end, the episode that begins is the one numbered `episode`
  double start(int i) const {
    Stream stream(seed_, "start", std::uint64_t(memory_[i].episode));
    return 4.0 * stream.uniform(std::uint64_t(i)) - 2.0;
  }
  double state_of(int i) const {
    return memory_[i].length == 0 || memory_[i].ended ? start(i) : memory_[i].x;
  }
  double noise(int i, std::int64_t t) const {
    Stream stream(seed_, "noise", std::uint64_t(memory_[i].episode * 4096 + t));
    double sum = -6; // twelve uniforms: variance 1
    for (std::uint64_t k = 0; k < 12; ++k)
      sum += stream.uniform(std::uint64_t(i) * 12 + k);
    return sum;
  }
  void begin(int i) { obs_[i] = static_cast<float>(start(i)); }

  Options options_;
  std::function<void(std::int64_t)> before_step_;
  bool evaluates_;
  std::uint64_t seed_;
  int n_;
  std::int64_t steps_ = 0;
  std::vector<Memory> memory_;
  std::vector<float> obs_, next_obs_;
  std::vector<double> reward_, return_;
  std::vector<std::uint8_t> terminated_, truncated_;
  std::vector<int> length_;
  std::vector<std::string> names_;
  std::vector<double> parts_, success_; // (n, 2), (n)
};

static_assert(VectorEnvironment<LqrEnvironment>);

} // namespace phlox::rl::test
