// Pusher-v5: push an object to a goal with a seven-jointed arm, pay for
// control. Never terminates; 100 steps. Source: Gymnasium 1.4.0, pusher_v5.py.
#include "envs/mujoco_parts.h"
#include "envs/tasks.h"

#include <cmath>

namespace phlox::envs {
namespace {

constexpr const char *id = "Pusher-v5";
constexpr MujocoDefaults defaults{"pusher_v5.xml", 5, 100};

struct Config {
  double reward_near_weight, reward_dist_weight, reward_control_weight;
  int tips_arm, object, goal; // bodies
};

class Pusher final : public MujocoTask {
public:
  Pusher(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<Pusher>(*this);
  }

  void observe(std::span<double> obs) const override {
    ObsWriter out(obs);
    out.add(qpos().first(7));
    out.add(qvel().first(7));
    for (const int body : {config_.tips_arm, config_.object, config_.goal})
      out.add(std::span<const double>(data().xpos + 3 * body, 3));
  }

protected:
  // the last four coordinates: the object, off the goal, and the goal
  void draw_start(Stream &noise, std::span<double> qpos,
                  std::span<double> qvel) const override {
    double y, x;
    do {
      y = noise.uniform(-.3, 0);
      x = noise.uniform(-.2, .2);
    } while (!(std::sqrt(y * y + x * x) > .17));
    const double tail[4] = {y, x, 0, 0};
    std::ranges::copy(tail, qpos.last(4).begin());
    add_uniform(noise, .005, qvel);
    std::ranges::fill(qvel.last(4), 0);
  }

  double reward(const Action &action) override {
    const double near = -distance(data(), config_.object, config_.tips_arm) *
                        config_.reward_near_weight;
    const double far = -distance(data(), config_.object, config_.goal) *
                       config_.reward_dist_weight;
    const double control = action.cost(config_.reward_control_weight);
    set_parts({far, -control, near});
    return far - control + near;
  }

private:
  Config config_;
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  MujocoConfig base = mujoco_config(id, kwargs, defaults.xml_file,
                                    {.nq = 11, .nv = 11, .nbody = 13, .nu = 7},
                                    {.nq = 7, .nv = 7});
  const Config config{
      kwargs["reward_near_weight"],    kwargs["reward_dist_weight"],
      kwargs["reward_control_weight"], find_body(base.model, "tips_arm"),
      find_body(base.model, "object"), find_body(base.model, "goal")};
  base.reads_forces = false;
  base.reward_parts = {"reward_dist", "reward_ctrl", "reward_near"};
  base.obs_size = 7 + 7 + 3 * 3;
  return std::make_unique<Pusher>(config, base);
}

} // namespace

Entry pusher_entry() {
  return mujoco_entry(id, "an arm that pushes an object to a goal (MuJoCo)",
                      defaults,
                      {{"reward_near_weight", 0.5},
                       {"reward_dist_weight", 1.0},
                       {"reward_control_weight", 0.1}},
                      make);
}

} // namespace phlox::envs
