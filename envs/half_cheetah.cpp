// HalfCheetah-v5: run forward, pay for control. Never terminates.
// Source: Gymnasium 1.4.0, half_cheetah_v5.py.
#include "envs/mujoco_parts.h"
#include "envs/tasks.h"

namespace phlox::envs {
namespace {

constexpr const char *id = "HalfCheetah-v5";
constexpr MujocoDefaults defaults{"half_cheetah.xml", 5};

struct Config {
  double forward_reward_weight, ctrl_cost_weight, reset_noise_scale;
  bool exclude_positions;
};

class HalfCheetah final : public MujocoTask {
public:
  HalfCheetah(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<HalfCheetah>(*this);
  }

  void observe(std::span<double> obs) const override {
    ObsWriter out(obs);
    out.add(qpos().subspan(config_.exclude_positions ? 1 : 0)); // without x
    out.add(qvel());
  }

protected:
  void draw_start(Stream &noise, std::span<double> qpos,
                  std::span<double> qvel) const override {
    add_uniform(noise, config_.reset_noise_scale, qpos);
    add_normal(noise, config_.reset_noise_scale, qvel);
  }

  double reward(const Action &action) override {
    const double velocity = (qpos()[0] - x_before_) / dt();
    const double forward = config_.forward_reward_weight * velocity;
    const double control = action.cost(config_.ctrl_cost_weight);
    set_parts({forward, -control});
    return forward - control;
  }

  void remember() override { x_before_ = qpos()[0]; }

private:
  Config config_;
  double x_before_ = 0; // m
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  const Config config{kwargs["forward_reward_weight"],
                      kwargs["ctrl_cost_weight"], kwargs["reset_noise_scale"],
                      kwargs["exclude_current_positions_from_observation"]};
  MujocoConfig base =
      mujoco_config(id, kwargs, defaults.xml_file,
                    {.nq = 9, .nv = 9, .nbody = 8, .nu = 6}, {.nq = 1});
  const mjModel &model = *base.model.model;
  base.reads_forces = false;
  base.reward_parts = {"reward_forward", "reward_ctrl"};
  base.obs_size = model.nq + model.nv - (config.exclude_positions ? 1 : 0);
  return std::make_unique<HalfCheetah>(config, base);
}

} // namespace

Entry half_cheetah_entry() {
  return mujoco_entry(id, "a planar cheetah that runs forward (MuJoCo)",
                      defaults,
                      {{"forward_reward_weight", 1.0},
                       {"ctrl_cost_weight", 0.1},
                       {"reset_noise_scale", 0.1},
                       {"exclude_current_positions_from_observation", true}},
                      make);
}

} // namespace phlox::envs
