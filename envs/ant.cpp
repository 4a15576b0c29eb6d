// Ant-v5: run forward on four legs, stay healthy, pay for control and contacts.
// Terminates when no longer healthy.
// Source: Gymnasium 1.4.0, ant_v5.py.
#include "envs/mujoco_parts.h"
#include "envs/tasks.h"

#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace phlox::envs {
namespace {

constexpr const char *id = "Ant-v5";
constexpr MujocoDefaults defaults{"ant.xml", 5};

struct Config {
  double forward_reward_weight, ctrl_cost_weight, contact_cost_weight;
  double healthy_reward;
  int main_body;
  bool terminate_when_unhealthy;
  Range healthy_z_range, contact_force_range;
  double reset_noise_scale;
  bool exclude_positions, include_cfrc_ext;
};

class Ant final : public MujocoTask {
public:
  Ant(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<Ant>(*this);
  }

  void observe(std::span<double> obs) const override {
    ObsWriter out(obs);
    out.add(qpos().subspan(config_.exclude_positions ? 2 : 0)); // without x, y
    out.add(qvel());
    if (config_.include_cfrc_ext) // without the world's
      out.add_clipped(body_rows(model(), data().cfrc_ext, 6, 1),
                      config_.contact_force_range);
  }

protected:
  void draw_start(Stream &noise, std::span<double> qpos,
                  std::span<double> qvel) const override {
    add_uniform(noise, config_.reset_noise_scale, qpos);
    add_normal(noise, config_.reset_noise_scale, qvel);
  }

  double reward(const Action &action) override {
    const double velocity = (body_x() - x_before_) / dt();
    const double survive = healthy() ? config_.healthy_reward : 0;
    const double forward = velocity * config_.forward_reward_weight;
    const double control = action.cost(config_.ctrl_cost_weight);
    const double contacts = contact_cost();
    set_parts({forward, -control, -contacts, survive});
    return forward + survive - (control + contacts);
  }

  bool terminated() const override {
    return config_.terminate_when_unhealthy && !healthy();
  }

  // xpos lags behind qpos (RK4's last stage), so no later state tells it
  void remember() override { x_before_ = body_x(); }
  std::span<double> memory() override { return {&x_before_, 1}; }

private:
  double body_x() const { return data().xpos[3 * config_.main_body]; }

  double contact_cost() const {
    const auto forces = body_rows(model(), data().cfrc_ext, 6, 0);
    const auto square = [&](std::size_t k) {
      const double force = config_.contact_force_range.clip(forces[k]);
      return force * force;
    };
    return config_.contact_cost_weight *
           numpy_sum<double>(0, forces.size(), square);
  }

  bool healthy() const {
    const auto finite = [](double number) { return std::isfinite(number); };
    return std::ranges::all_of(qpos(), finite) &&
           std::ranges::all_of(qvel(), finite) &&
           config_.healthy_z_range.contains(qpos()[2]);
  }

  Config config_;
  double x_before_ = 0; // m
};

// a body's number or its name
int main_body(const Kwargs &value, const Model &model) {
  if (value.is_string())
    return find_body(model, value.get<std::string>());
  const auto body = value.get<std::int64_t>();
  if (body < 0 || body >= model.model->nbody)
    throw std::invalid_argument(
        fmt::format("{}: keyword argument 'main_body' must be 0 to {} in {}: "
                    "got {}",
                    id, model.model->nbody - 1, model.path, body));
  return static_cast<int>(body);
}

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  MujocoConfig base =
      mujoco_config(id, kwargs, defaults.xml_file,
                    {.nq = 15, .nv = 14, .nbody = 14, .nu = 8}, {.nq = 3});
  const Config config{kwargs["forward_reward_weight"],
                      kwargs["ctrl_cost_weight"],
                      kwargs["contact_cost_weight"],
                      kwargs["healthy_reward"],
                      main_body(kwargs["main_body"], base.model),
                      kwargs["terminate_when_unhealthy"],
                      range_of(kwargs, "healthy_z_range"),
                      range_of(kwargs, "contact_force_range"),
                      kwargs["reset_noise_scale"],
                      kwargs["exclude_current_positions_from_observation"],
                      kwargs["include_cfrc_ext_in_observation"]};
  const mjModel &model = *base.model.model;
  base.reward_parts = {"reward_forward", "reward_ctrl", "reward_contact",
                       "reward_survive"};
  base.obs_size = model.nq + model.nv - (config.exclude_positions ? 2 : 0) +
                  (config.include_cfrc_ext ? 6 * (model.nbody - 1) : 0);
  return std::make_unique<Ant>(config, base);
}

} // namespace

Entry ant_entry() {
  Entry entry = mujoco_entry(
      id, "a four-legged body that runs forward (MuJoCo)", defaults,
      {{"forward_reward_weight", 1.0},
       {"ctrl_cost_weight", 0.5},
       {"contact_cost_weight", 5e-4},
       {"healthy_reward", 1.0},
       {"main_body", 1},
       {"terminate_when_unhealthy", true},
       {"healthy_z_range", {0.2, 1.0}},
       {"contact_force_range", {-1.0, 1.0}},
       {"reset_noise_scale", 0.1},
       {"exclude_current_positions_from_observation", true},
       {"include_cfrc_ext_in_observation", true}},
      make);
  entry.alternatives["main_body"] = "torso";
  return entry;
}

} // namespace phlox::envs
