// multigoal: a point in the plane moves to any of four goals, equally good by
// symmetry; what a policy of several modes is for.
//   x' = clip(x + a, -7, 7), a in [-1, 1]; x0 ~ init_sigma N(0, I)
//   reward -(30 |a|^2 + min_k |x' - g_k|^2), and 10 on arrival: the episode
//   terminates within 1 of a goal g_k = (+-5, 0), (0, +-5)
// obs is x; an action beyond its range moves and costs as its clipped self. As
// qpos it takes x; there is no qvel.
// Source: Haarnoja et al. 2017 (soft Q-learning), section 5.1; as in
// lzqw/FLAME@0abcfec, relax/env/multi_goal/multi_goal_env.py.
#include "envs/tasks.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace phlox::envs {
namespace {

constexpr const char *id = "multigoal";
constexpr double reach = 7, goal_radius = 1;
constexpr double goals[4][2] = {{5, 0}, {-5, 0}, {0, 5}, {0, -5}};

struct Config {
  double goal_reward, actuation_cost_coeff, distance_cost_coeff, init_sigma;
};

class Multigoal final : public Environment {
public:
  Multigoal(const Config &config, Spec spec)
      : config_(config), spec_(std::move(spec)) {}

  const Spec &spec() const override { return spec_; }

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<Multigoal>(*this);
  }

  void reset(Stream &noise) override {
    for (double &x : x_)
      x = std::clamp(config_.init_sigma * noise.normal(), -reach, reach);
  }

  void set_state(std::span<const double> qpos,
                 std::span<const double> qvel) override {
    if (qpos.size() != 2 || !qvel.empty())
      throw std::invalid_argument(fmt::format(
          "{}: qpos must have 2 numbers and qvel none: got {} and {}", id,
          qpos.size(), qvel.size()));
    std::ranges::copy(qpos, x_);
  }

  StepResult step(const Action &action, Stream *) override {
    if (action.size() != 2)
      throw std::invalid_argument(fmt::format(
          "{}: action must have 2 numbers: got {}", id, action.size()));
    double effort = 0;
    for (std::size_t k = 0; k < 2; ++k) {
      const double move = std::clamp(action[k], -1., 1.);
      effort += move * move;
      x_[k] = std::clamp(x_[k] + move, -reach, reach);
    }
    const double squared = nearest_goal();
    StepResult result;
    result.reward = -(effort * config_.actuation_cost_coeff +
                      config_.distance_cost_coeff * squared);
    result.terminated = std::sqrt(squared) < goal_radius;
    if (result.terminated)
      result.reward += config_.goal_reward;
    return result;
  }

  void observe(std::span<double> obs) const override {
    std::ranges::copy(x_, obs.begin());
  }

  std::size_t state_size() const override { return 2; }
  void save(std::span<double> state) const override {
    std::ranges::copy(x_, state.begin());
  }

  void load(std::span<const double> state) override {
    if (state.size() != 2)
      throw std::runtime_error(fmt::format(
          "{}: state must have 2 numbers: got {}", id, state.size()));
    std::ranges::copy(state, x_);
  }

private:
  // squared distance
  double nearest_goal() const {
    double nearest = HUGE_VAL;
    for (const auto &goal : goals) {
      const double x = x_[0] - goal[0], y = x_[1] - goal[1];
      nearest = std::min(nearest, x * x + y * y);
    }
    return nearest;
  }

  Config config_;
  Spec spec_;
  double x_[2] = {};
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  const Config config{kwargs["goal_reward"], kwargs["actuation_cost_coeff"],
                      kwargs["distance_cost_coeff"], kwargs["init_sigma"]};
  if (config.init_sigma < 0)
    throw std::invalid_argument(fmt::format(
        "{}: init_sigma must be at least 0: got {}", id, config.init_sigma));
  Spec spec;
  spec.id = id;
  spec.obs_size = spec.action_size = spec.qpos_size = 2;
  spec.max_episode_steps = positive_int(id, kwargs, "max_episode_steps");
  spec.action_low = {-1, -1};
  spec.action_high = {1, 1};
  return std::make_unique<Multigoal>(config, std::move(spec));
}

} // namespace

Entry multigoal_entry() {
  return {
      id, "a point in the plane that moves to any of four goals",
      Kwargs{{"goal_reward", 10.0},
             {"actuation_cost_coeff", 30.0},
             {"distance_cost_coeff", 1.0},
             {"init_sigma", 0.1},
             {"max_episode_steps", 50}},
      make,
      Kwargs{{"goal_reward", "reward on arrival at a goal"},
             {"actuation_cost_coeff", "cost per squared unit of action"},
             {"distance_cost_coeff", "cost per squared distance to the goal"},
             {"init_sigma", "deviation of a start's coordinates"},
             {"max_episode_steps", "env steps until an episode is truncated"}}};
}

} // namespace phlox::envs
