// Puck: push a puck to a mark. A task of one's own: this file and a model.
// Reward: minus the distance to the mark, minus the cost of control. Terminates
// when the puck leaves the table.
#include "envs/mujoco_parts.h"
#include "envs/plugin.h"

#include <algorithm>
#include <cmath>

namespace {

using namespace phlox::envs;

constexpr const char *id = "Puck";
constexpr MujocoDefaults defaults{PUCK_MODEL, 4, 200};

struct Config {
  double ctrl_cost_weight, reset_noise_scale, table_reach;
};

class Puck final : public MujocoTask {
public:
  Puck(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<Puck>(*this);
  }

  void observe(std::span<double> obs) const override {
    ObsWriter out(obs);
    out.add(qpos());
    out.add(qvel());
    out.add(to_mark(0));
    out.add(to_mark(1));
  }

protected:
  void draw_start(Stream &noise, std::span<double> qpos,
                  std::span<double> qvel) const override {
    add_uniform(noise, config_.reset_noise_scale, qpos);
    add_uniform(noise, config_.reset_noise_scale, qvel);
  }

  double reward(const Action &action) override {
    return -std::hypot(to_mark(0), to_mark(1)) -
           action.cost(config_.ctrl_cost_weight);
  }

  bool terminated() const override {
    return std::max(std::abs(qpos()[0]), std::abs(qpos()[1])) >
           config_.table_reach;
  }

private:
  double to_mark(int axis) const {
    return data().site_xpos[axis] - qpos()[static_cast<std::size_t>(axis)];
  }

  Config config_;
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  const Config config{kwargs["ctrl_cost_weight"], kwargs["reset_noise_scale"],
                      kwargs["table_reach"]};
  MujocoConfig base = mujoco_config(id, kwargs, defaults.xml_file,
                                    {.nq = 2, .nv = 2, .nbody = 2, .nu = 2},
                                    {.nq = 2, .nv = 2, .nu = 2});
  base.obs_size = base.model.model->nq + base.model.model->nv + 2;
  base.reads_forces = false;
  return std::make_unique<Puck>(config, base);
}

Entry puck_entry() {
  return mujoco_entry(id, "a puck that is pushed to a mark", defaults,
                      {{"ctrl_cost_weight", 0.01},
                       {"reset_noise_scale", 0.5},
                       {"table_reach", 1.5}},
                      make, {{"table_reach", "the episode ends beyond it, m"}});
}

} // namespace

PHLOX_TASKS(puck_entry());
