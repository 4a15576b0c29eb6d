// InvertedDoublePendulum-v5: keep two linked poles upright on a cart.
// Terminates when the tip is not above 1 m. Source: Gymnasium 1.4.0,
// inverted_double_pendulum_v5.py.
#include "envs/mujoco_parts.h"
#include "envs/tasks.h"

#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace phlox::envs {
namespace {

constexpr const char *id = "InvertedDoublePendulum-v5";
constexpr MujocoDefaults defaults{"inverted_double_pendulum.xml", 5};

struct Config {
  double healthy_reward, reset_noise_scale;
};

class InvertedDoublePendulum final : public MujocoTask {
public:
  InvertedDoublePendulum(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<InvertedDoublePendulum>(*this);
  }

  // the cart's x, sines and cosines of the angles, all velocities, the force of
  // constraints on the cart
  void observe(std::span<double> obs) const override {
    constexpr Range reach{-10, 10};
    ObsWriter out(obs);
    out.add(qpos()[0]);
    for (const double angle : qpos().subspan(1))
      out.add(std::sin(angle));
    for (const double angle : qpos().subspan(1))
      out.add(std::cos(angle));
    out.add_clipped(qvel(), reach);
    out.add(reach.clip(data().qfrc_constraint[0]));
  }

protected:
  void draw_start(Stream &noise, std::span<double> qpos,
                  std::span<double> qvel) const override {
    add_uniform(noise, config_.reset_noise_scale, qpos);
    add_normal(noise, config_.reset_noise_scale, qvel);
  }

  double reward(const Action &) override {
    const double x = data().site_xpos[0], above = tip() - 2; // m
    const double distance_penalty = .01 * (x * x) + above * above;
    const double v1 = qvel()[1], v2 = qvel()[2]; // rad/s
    const double velocity_penalty = 1e-3 * (v1 * v1) + 5e-3 * (v2 * v2);
    const double survive = terminated() ? 0 : config_.healthy_reward;
    set_parts({survive, -distance_penalty, -velocity_penalty});
    return survive - distance_penalty - velocity_penalty;
  }

  bool terminated() const override { return tip() <= 1; }

private:
  double tip() const { return data().site_xpos[2]; } // height, m

  Config config_;
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  const Config config{kwargs["healthy_reward"], kwargs["reset_noise_scale"]};
  MujocoConfig base = mujoco_config(id, kwargs, defaults.xml_file,
                                    {.nq = 3, .nv = 3, .nbody = 4, .nu = 1},
                                    {.nq = 1, .nv = 3});
  const mjModel &model = *base.model.model;
  if (model.nsite < 1)
    throw std::runtime_error(fmt::format(
        "{}: nsite must be at least 1 for this task: got 0", base.model.path));
  base.reads_forces = false;
  base.reward_parts = {"reward_survive", "distance_penalty",
                       "velocity_penalty"};
  base.obs_size = 2 * model.nq - 1 + model.nv + 1;
  return std::make_unique<InvertedDoublePendulum>(config, base);
}

} // namespace

Entry inverted_double_pendulum_entry() {
  return mujoco_entry(
      id, "a cart that keeps two linked poles upright (MuJoCo)", defaults,
      {{"healthy_reward", 10.0}, {"reset_noise_scale", 0.1}}, make);
}

} // namespace phlox::envs
