// InvertedPendulum-v5: keep a pole upright on a cart. Terminates when the pole
// leans by more than .2 rad; every step but that one pays 1.
// Source: Gymnasium 1.4.0, inverted_pendulum_v5.py.
#include "envs/mujoco_parts.h"
#include "envs/tasks.h"

#include <cmath>

namespace phlox::envs {
namespace {

constexpr const char *id = "InvertedPendulum-v5";
constexpr MujocoDefaults defaults{"inverted_pendulum.xml", 2};

class InvertedPendulum final : public MujocoTask {
public:
  InvertedPendulum(double reset_noise_scale, const MujocoConfig &base)
      : MujocoTask(base), reset_noise_scale_(reset_noise_scale) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<InvertedPendulum>(*this);
  }

  void observe(std::span<double> obs) const override {
    ObsWriter out(obs);
    out.add(qpos());
    out.add(qvel());
  }

protected:
  void draw_start(Stream &noise, std::span<double> qpos,
                  std::span<double> qvel) const override {
    add_uniform(noise, reset_noise_scale_, qpos);
    add_uniform(noise, reset_noise_scale_, qvel);
  }

  double reward(const Action &) override {
    const double survive = terminated() ? 0 : 1;
    set_parts({survive});
    return survive;
  }

  bool terminated() const override {
    const auto finite = [](double number) { return std::isfinite(number); };
    return !std::ranges::all_of(qpos(), finite) ||
           !std::ranges::all_of(qvel(), finite) || std::abs(qpos()[1]) > .2;
  }

private:
  double reset_noise_scale_;
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  MujocoConfig base =
      mujoco_config(id, kwargs, defaults.xml_file,
                    {.nq = 2, .nv = 2, .nbody = 3, .nu = 1}, {.nq = 2});
  base.reads_forces = false;
  base.reward_parts = {"reward_survive"};
  base.obs_size = base.model.model->nq + base.model.model->nv;
  return std::make_unique<InvertedPendulum>(kwargs["reset_noise_scale"], base);
}

} // namespace

Entry inverted_pendulum_entry() {
  return mujoco_entry(id, "a cart that keeps a pole upright (MuJoCo)", defaults,
                      Kwargs::object({{"reset_noise_scale", 0.01}}), make);
}

} // namespace phlox::envs
