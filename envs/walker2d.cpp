// Walker2d-v5: walk forward on two legs, stay healthy, pay for control.
// Terminates when no longer healthy.
// Source: Gymnasium 1.4.0, walker2d_v5.py.
#include "envs/mujoco_parts.h"
#include "envs/tasks.h"

namespace phlox::envs {
namespace {

constexpr const char *id = "Walker2d-v5";
constexpr MujocoDefaults defaults{"walker2d_v5.xml", 4};

struct Config {
  double forward_reward_weight, ctrl_cost_weight, healthy_reward;
  bool terminate_when_unhealthy;
  Range healthy_z_range, healthy_angle_range;
  double reset_noise_scale;
  bool exclude_positions;
};

class Walker2d final : public MujocoTask {
public:
  Walker2d(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<Walker2d>(*this);
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
  bool healthy() const {
    return config_.healthy_z_range.inside(qpos()[1]) &&
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
                      range_of(kwargs, "healthy_z_range"),
                      range_of(kwargs, "healthy_angle_range"),
                      kwargs["reset_noise_scale"],
                      kwargs["exclude_current_positions_from_observation"]};
  MujocoConfig base =
      mujoco_config(id, kwargs, defaults.xml_file,
                    {.nq = 9, .nv = 9, .nbody = 8, .nu = 6}, {.nq = 3});
  const mjModel &model = *base.model.model;
  base.reads_forces = false;
  base.reward_parts = {"reward_forward", "reward_ctrl", "reward_survive"};
  base.obs_size = model.nq + model.nv - (config.exclude_positions ? 1 : 0);
  return std::make_unique<Walker2d>(config, base);
}

} // namespace

Entry walker2d_entry() {
  return mujoco_entry(id, "a planar pair of legs that walks forward (MuJoCo)",
                      defaults,
                      {{"forward_reward_weight", 1.0},
                       {"ctrl_cost_weight", 1e-3},
                       {"healthy_reward", 1.0},
                       {"terminate_when_unhealthy", true},
                       {"healthy_z_range", {0.8, 2.0}},
                       {"healthy_angle_range", {-1.0, 1.0}},
                       {"reset_noise_scale", 5e-3},
                       {"exclude_current_positions_from_observation", true}},
                      make);
}

} // namespace phlox::envs
