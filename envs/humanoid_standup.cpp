// HumanoidStandup-v5: rise from lying on the back, pay for control and impacts.
// Never terminates.
// Source: Gymnasium 1.4.0, humanoidstandup_v5.py.
#include "envs/humanoid_obs.h"
#include "envs/tasks.h"

namespace phlox::envs {
namespace {

constexpr const char *id = "HumanoidStandup-v5";
constexpr MujocoDefaults defaults{"humanoidstandup.xml", 5};

struct Config {
  double ctrl_cost_weight, impact_cost_weight;
  Range impact_cost_range;
  double reset_noise_scale;
  HumanoidObs obs;
};

class HumanoidStandup final : public MujocoTask {
public:
  HumanoidStandup(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<HumanoidStandup>(*this);
  }

  void observe(std::span<double> obs) const override {
    config_.obs.write(model(), data(), obs);
  }

protected:
  void draw_start(Stream &noise, std::span<double> qpos,
                  std::span<double> qvel) const override {
    add_uniform(noise, config_.reset_noise_scale, qpos);
    add_uniform(noise, config_.reset_noise_scale, qvel);
  }

  // height over the simulator's time step, not over dt(); the cost of control
  // is that of the simulator's copy, always float64
  double reward(const Action &) override {
    const double rise = qpos()[2] / model().opt.timestep;
    const double control = config_.ctrl_cost_weight * sum_of_squares(ctrl());
    const double impact = config_.impact_cost_range.clip(
        config_.impact_cost_weight *
        sum_of_squares(body_rows(model(), data().cfrc_ext, 6, 0)));
    set_parts({rise, -control, -impact});
    return rise - control - impact + 1;
  }

private:
  Config config_;
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  const Config config{kwargs["ctrl_cost_weight"], kwargs["impact_cost_weight"],
                      range_of(kwargs, "impact_cost_range"),
                      kwargs["reset_noise_scale"], HumanoidObs::from(kwargs)};
  MujocoConfig base = mujoco_config(id, kwargs, defaults.xml_file,
                                    {.nq = 24, .nv = 23, .nbody = 14, .nu = 17},
                                    {.nq = 3, .nv = 6});
  base.reward_parts = {"reward_linup", "reward_quadctrl", "reward_impact"};
  base.obs_size = config.obs.size(*base.model.model);
  return std::make_unique<HumanoidStandup>(config, base);
}

} // namespace

Entry humanoid_standup_entry() {
  return mujoco_entry(
      id, "a humanoid that rises from the ground (MuJoCo)", defaults,
      HumanoidObs::defaults({{"uph_cost_weight", 1.0},
                             {"ctrl_cost_weight", 0.1},
                             {"impact_cost_weight", 0.5e-6},
                             {"impact_cost_range", {"-inf", 10.0}},
                             {"reset_noise_scale", 1e-2}}),
      make);
}

} // namespace phlox::envs
