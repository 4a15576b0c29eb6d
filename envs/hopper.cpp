// Hopper-v5: hop forward on one leg, stay healthy, pay for control. Terminates
// when no longer healthy.
// Source: Gymnasium 1.4.0, hopper_v5.py.
#include "envs/mujoco_parts.h"
#include "envs/tasks.h"

namespace phlox::envs {
namespace {

constexpr const char *id = "Hopper-v5";
constexpr MujocoDefaults defaults{"hopper.xml", 4};

struct Config {
  double forward_reward_weight, ctrl_cost_weight, healthy_reward;
  bool terminate_when_unhealthy;
  Range healthy_state_range, healthy_z_range, healthy_angle_range;
  double reset_noise_scale;
  bool exclude_positions;
};

class Hopper final : public MujocoTask {
public:
  Hopper(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<Hopper>(*this);
  }

  void observe(std::span<double> obs) const override {
    ObsWriter out(obs);
    out.add(qpos().subspan(config_.exclude_positions ? 1 : 0)); // without x
    out.add_clipped(qvel(), {-10, 10});
  }

protected:
  void draw_start(Stream &noise, std::span<double> qpos,
                  std::span<double> qvel) const override {
    add_uniform(noise, config_.reset_noise_scale, qpos);
    add_uniform(noise, config_.reset_noise_scale, qvel);
  }

  double reward(const Action &action) override {
    const double velocity = (qpos()[0] - x_before_) / dt();
    const double survive = healthy() ? config_.healthy_reward : 0;
    const double forward = config_.forward_reward_weight * velocity;
    const double control = action.cost(config_.ctrl_cost_weight);
    set_parts({forward, -control, survive});
    return forward + survive - control;
  }

  bool terminated() const override {
    return config_.terminate_when_unhealthy && !healthy();
  }

  void remember() override { x_before_ = qpos()[0]; }

private:
  // of qpos, x and z may be anything in the state's range
  bool healthy() const {
    const auto in_range = [this](double number) {
      return config_.healthy_state_range.inside(number);
    };
    return std::ranges::all_of(qpos().subspan(2), in_range) &&
           std::ranges::all_of(qvel(), in_range) &&
           config_.healthy_z_range.inside(qpos()[1]) &&
           config_.healthy_angle_range.inside(qpos()[2]);
  }

  Config config_;
  double x_before_ = 0; // m
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  const Config config{kwargs["forward_reward_weight"],
                      kwargs["ctrl_cost_weight"],
                      kwargs["healthy_reward"],
                      kwargs["terminate_when_unhealthy"],
                      range_of(kwargs, "healthy_state_range"),
                      range_of(kwargs, "healthy_z_range"),
                      range_of(kwargs, "healthy_angle_range"),
                      kwargs["reset_noise_scale"],
                      kwargs["exclude_current_positions_from_observation"]};
  MujocoConfig base =
      mujoco_config(id, kwargs, defaults.xml_file,
                    {.nq = 6, .nv = 6, .nbody = 5, .nu = 3}, {.nq = 3});
  const mjModel &model = *base.model.model;
  base.reads_forces = false;
  base.reward_parts = {"reward_forward", "reward_ctrl", "reward_survive"};
  base.obs_size = model.nq + model.nv - (config.exclude_positions ? 1 : 0);
  return std::make_unique<Hopper>(config, base);
}

} // namespace

Entry hopper_entry() {
  return mujoco_entry(id, "a planar leg that hops forward (MuJoCo)", defaults,
                      {{"forward_reward_weight", 1.0},
                       {"ctrl_cost_weight", 1e-3},
                       {"healthy_reward", 1.0},
                       {"terminate_when_unhealthy", true},
                       {"healthy_state_range", {-100.0, 100.0}},
                       {"healthy_z_range", {0.7, "inf"}},
                       {"healthy_angle_range", {-0.2, 0.2}},
                       {"reset_noise_scale", 5e-3},
                       {"exclude_current_positions_from_observation", true}},
                      make);
}

} // namespace phlox::envs
