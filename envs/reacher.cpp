// Reacher-v5: bring the tip of a two-jointed arm to a target, pay for control.
// Never terminates; 50 steps.
// Source: Gymnasium 1.4.0, reacher_v5.py.
#include "envs/mujoco_parts.h"
#include "envs/tasks.h"

#include <cmath>

namespace phlox::envs {
namespace {

constexpr const char *id = "Reacher-v5";
constexpr MujocoDefaults defaults{"reacher.xml", 2, 50};

struct Config {
  double reward_dist_weight, reward_control_weight;
  int fingertip, target; // bodies
};

class Reacher final : public MujocoTask {
public:
  Reacher(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<Reacher>(*this);
  }

  // cosines and sines of the arm's angles, the target, the arm's velocities,
  // the gap in x and y
  void observe(std::span<double> obs) const override {
    ObsWriter out(obs);
    for (const double angle : qpos().first(2))
      out.add(std::cos(angle));
    for (const double angle : qpos().first(2))
      out.add(std::sin(angle));
    out.add(qpos().subspan(2));
    out.add(qvel().first(2));
    for (int k = 0; k < 2; ++k)
      out.add(data().xpos[3 * config_.fingertip + k] -
              data().xpos[3 * config_.target + k]);
  }

protected:
  // the target: uniform in a disc of .2 m; the draws it replaces are made too
  void draw_start(Stream &noise, std::span<double> qpos,
                  std::span<double> qvel) const override {
    add_uniform(noise, .1, qpos);
    double x, y;
    do {
      x = noise.uniform(-.2, .2);
      y = noise.uniform(-.2, .2);
    } while (!(std::sqrt(x * x + y * y) < .2));
    qpos[qpos.size() - 2] = x;
    qpos[qpos.size() - 1] = y;
    add_uniform(noise, .005, qvel);
    std::ranges::fill(qvel.last(2), 0);
  }

  double reward(const Action &action) override {
    const double far = -distance(data(), config_.fingertip, config_.target) *
                       config_.reward_dist_weight;
    const double control = action.cost(config_.reward_control_weight);
    set_parts({far, -control});
    return far - control;
  }

private:
  Config config_;
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  MujocoConfig base = mujoco_config(id, kwargs, defaults.xml_file,
                                    {.nq = 4, .nv = 4, .nbody = 5, .nu = 2},
                                    {.nq = 2, .nv = 2});
  const Config config{
      kwargs["reward_dist_weight"], kwargs["reward_control_weight"],
      find_body(base.model, "fingertip"), find_body(base.model, "target")};
  base.reads_forces = false;
  base.reward_parts = {"reward_dist", "reward_ctrl"};
  base.obs_size = base.model.model->nq + 6;
  return std::make_unique<Reacher>(config, base);
}

} // namespace

Entry reacher_entry() {
  return mujoco_entry(
      id, "a two-jointed arm that reaches for a target (MuJoCo)", defaults,
      {{"reward_dist_weight", 1.0}, {"reward_control_weight", 1.0}}, make);
}

} // namespace phlox::envs
