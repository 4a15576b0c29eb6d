#include "envs/replay.h"

#include <fmt/format.h>
#include <stdexcept>

namespace phlox::envs {
namespace {

template <class T>
Replay run(Environment &environment, std::span<const double> qpos,
           std::span<const double> qvel, std::span<const T> actions) {
  const Spec &spec = environment.spec();
  const auto width = static_cast<std::size_t>(spec.action_size);
  const auto obs_size = static_cast<std::size_t>(spec.obs_size);
  if (actions.size() % width != 0)
    throw std::invalid_argument(
        fmt::format("{}: actions must be steps x {}: got {} numbers", spec.id,
                    width, actions.size()));
  const std::size_t steps = actions.size() / width;
  environment.set_state(qpos, qvel);
  Replay result;
  result.obs.resize(steps * obs_size);
  for (std::size_t t = 0; t < steps; ++t) {
    const StepResult step =
        environment.step(Action(actions.subspan(t * width, width)), nullptr);
    environment.observe(std::span(result.obs).subspan(t * obs_size, obs_size));
    result.reward.push_back(step.reward);
    result.terminated.push_back(step.terminated);
    result.sim_warnings += step.broken;
  }
  return result;
}

} // namespace

Replay replay(Environment &environment, std::span<const double> qpos,
              std::span<const double> qvel, std::span<const double> actions) {
  return run(environment, qpos, qvel, actions);
}

Replay replay(Environment &environment, std::span<const double> qpos,
              std::span<const double> qvel, std::span<const float> actions) {
  return run(environment, qpos, qvel, actions);
}

} // namespace phlox::envs
