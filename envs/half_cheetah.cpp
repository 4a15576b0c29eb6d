// HalfCheetah-v5: run forward, pay for control. Never terminates.
// Source: Gymnasium 1.4.0, half_cheetah_v5.py.
#include "envs/mujoco_task.h"
#include "envs/tasks.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace phlox::envs {
namespace {

constexpr const char *id = "HalfCheetah-v5";
constexpr const char *model_file = "half_cheetah.xml";

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

  // qpos without the root's x, then qvel
  void observe(std::span<double> obs) const override {
    const auto positions = qpos().subspan(config_.exclude_positions ? 1 : 0);
    std::copy(positions.begin(), positions.end(), obs.begin());
    std::copy(qvel().begin(), qvel().end(), obs.begin() + positions.size());
  }

protected:
  void draw_start(Stream &noise, std::span<double> qpos,
                  std::span<double> qvel) const override {
    const double scale = config_.reset_noise_scale;
    for (double &position : qpos)
      position += noise.uniform(-scale, scale);
    for (double &velocity : qvel)
      velocity += scale * noise.normal();
  }

  void remember() override { x_before_ = qpos()[0]; }

  double reward(const Action &action) override {
    const double velocity = (qpos()[0] - x_before_) / dt();
    return config_.forward_reward_weight * velocity -
           action.cost(config_.ctrl_cost_weight);
  }

private:
  Config config_;
  double x_before_ = 0; // m
};

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  const Config config{kwargs["forward_reward_weight"],
                      kwargs["ctrl_cost_weight"], kwargs["reset_noise_scale"],
                      kwargs["exclude_current_positions_from_observation"]};
  if (config.reset_noise_scale < 0)
    throw std::invalid_argument(
        fmt::format("{}: reset_noise_scale must be at least 0: got {}", id,
                    config.reset_noise_scale));
  const std::string file = kwargs["xml_file"];
  MujocoConfig base = mujoco_config(id, kwargs);
  // someone's own model may have other joints, but needs one to run with
  base.model = load_model(file, file == model_file ? ModelLayout{9, 9, 8, 6}
                                                   : ModelLayout{});
  const mjModel &model = *base.model.model;
  if (model.nq < 1)
    throw std::runtime_error(fmt::format(
        "{}: nq must be at least 1 for this task: got 0", base.model.path));
  base.obs_size = model.nq + model.nv - (config.exclude_positions ? 1 : 0);
  return std::make_unique<HalfCheetah>(config, base);
}

} // namespace

Entry half_cheetah_entry() {
  return {id, "a planar cheetah that runs forward (MuJoCo)",
          mujoco_kwargs(model_file, 5, 1000,
                        {{"forward_reward_weight", 1.0},
                         {"ctrl_cost_weight", 0.1},
                         {"reset_noise_scale", 0.1},
                         {"exclude_current_positions_from_observation", true}}),
          make};
}

} // namespace phlox::envs
