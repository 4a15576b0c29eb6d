// Humanoid-v5: walk forward upright, pay for control and contacts. Terminates
// when no longer healthy.
// Source: Gymnasium 1.4.0, humanoid_v5.py.
#include "envs/humanoid_obs.h"
#include "envs/tasks.h"

namespace phlox::envs {
namespace {

constexpr const char *id = "Humanoid-v5";
constexpr MujocoDefaults defaults{"humanoid.xml", 5};

struct Config {
  double forward_reward_weight, ctrl_cost_weight, contact_cost_weight;
  Range contact_cost_range;
  double healthy_reward;
  bool terminate_when_unhealthy;
  Range healthy_z_range;
  double reset_noise_scale;
  HumanoidObs obs;
};

class Humanoid final : public MujocoTask {
public:
  Humanoid(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<Humanoid>(*this);
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

  // the cost of control is that of the simulator's copy, always float64
  double reward(const Action &) override {
    const double velocity = (mass_center_x() - x_before_) / dt();
    const double survive = healthy() ? config_.healthy_reward : 0;
    const double forward = config_.forward_reward_weight * velocity;
    const double control = config_.ctrl_cost_weight * sum_of_squares(ctrl());
    const double contacts = config_.contact_cost_range.clip(
        config_.contact_cost_weight *
        sum_of_squares(body_rows(model(), data().cfrc_ext, 6, 0)));
    set_parts({survive, forward, -control, -contacts});
    return forward + survive - (control + contacts);
  }

  bool terminated() const override {
    return config_.terminate_when_unhealthy && !healthy();
  }

  // xipos lags behind qpos (RK4's last stage), so no later state tells it
  void remember() override { x_before_ = mass_center_x(); }
  std::span<double> memory() override { return {&x_before_, 1}; }

private:
  double mass_center_x() const {
    const auto bodies = static_cast<std::size_t>(model().nbody);
    double moment = 0; // kg m
    for (std::size_t k = 0; k < bodies; ++k)
      moment += model().body_mass[k] * data().xipos[3 * k];
    return moment /
           numpy_sum(std::span<const double>(model().body_mass, bodies));
  }

  bool healthy() const { return config_.healthy_z_range.inside(qpos()[2]); }

  Config config_;
  double x_before_ = 0; // m
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  const Config config{kwargs["forward_reward_weight"],
                      kwargs["ctrl_cost_weight"],
                      kwargs["contact_cost_weight"],
                      range_of(kwargs, "contact_cost_range"),
                      kwargs["healthy_reward"],
                      kwargs["terminate_when_unhealthy"],
                      range_of(kwargs, "healthy_z_range"),
                      kwargs["reset_noise_scale"],
                      HumanoidObs::from(kwargs)};
  MujocoConfig base = mujoco_config(id, kwargs, defaults.xml_file,
                                    {.nq = 24, .nv = 23, .nbody = 14, .nu = 17},
                                    {.nq = 3, .nv = 6});
  base.reward_parts = {"reward_survive", "reward_forward", "reward_ctrl",
                       "reward_contact"};
  base.obs_size = config.obs.size(*base.model.model);
  return std::make_unique<Humanoid>(config, base);
}

} // namespace

Entry humanoid_entry() {
  return mujoco_entry(
      id, "a humanoid that walks forward upright (MuJoCo)", defaults,
      HumanoidObs::defaults({{"forward_reward_weight", 1.25},
                             {"ctrl_cost_weight", 0.1},
                             {"contact_cost_weight", 5e-7},
                             {"contact_cost_range", {"-inf", 10.0}},
                             {"healthy_reward", 5.0},
                             {"terminate_when_unhealthy", true},
                             {"healthy_z_range", {1.0, 2.0}},
                             {"reset_noise_scale", 1e-2}}),
      make);
}

} // namespace phlox::envs
