#include "tools/phlox/obs_layout.h"
#include "envs/mujoco_task.h"
#include <cmath>
#include <fmt/core.h>

namespace phlox::tools {
namespace {

struct State {
  std::vector<double> qpos, qvel;
};

// a state near the task's own start, every number of it unlike all others
State probe(const envs::Environment &task, int round) {
  const auto &spec = task.spec();
  State state{std::vector<double>(spec.qpos_size),
              std::vector<double>(spec.qvel_size)};
  if (const auto *mujoco = dynamic_cast<const envs::MujocoTask *>(&task))
    state.qpos.assign(mujoco->model().qpos0,
                      mujoco->model().qpos0 + mujoco->model().nq);
  double turn = round;
  for (auto *numbers : {&state.qpos, &state.qvel})
    for (double &number : *numbers)
      number += 0.02 * std::sin(turn += std::sqrt(2.0));
  return state;
}

// the place of a number, or -1
int place_of(double number, const std::vector<double> &among) {
  for (std::size_t i = 0; i < among.size(); i++)
    if (among[i] == number)
      return static_cast<int>(i);
  return -1;
}

// the joint that a number of qpos or qvel belongs to
std::string joint_of(const envs::Environment &task, int place, bool position) {
  const auto *mujoco = dynamic_cast<const envs::MujocoTask *>(&task);
  if (!mujoco)
    return "";
  const mjModel &model = mujoco->model();
  const int *address = position ? model.jnt_qposadr : model.jnt_dofadr;
  int joint = -1;
  for (int j = 0; j < model.njnt; j++)
    if (address[j] <= place)
      joint = j;
  const char *name = mj_id2name(&model, mjOBJ_JOINT, joint);
  return name && *name ? fmt::format(" {}", name) : "";
}

} // namespace

std::vector<std::string> obs_layout(envs::Environment &task) {
  constexpr int rounds = 3;
  const auto size = static_cast<std::size_t>(task.spec().obs_size);
  std::vector<std::string> layout(size);
  for (int round = 0; round < rounds; round++) {
    const State state = probe(task, round);
    task.set_state(state.qpos, state.qvel);
    std::vector<double> obs(size);
    task.observe(obs);
    for (std::size_t i = 0; i < size; i++) {
      std::string found = "computed";
      if (const int p = place_of(obs[i], state.qpos); p >= 0)
        found = fmt::format("qpos[{}]{}", p, joint_of(task, p, true));
      else if (const int v = place_of(obs[i], state.qvel); v >= 0)
        found = fmt::format("qvel[{}]{}", v, joint_of(task, v, false));
      layout[i] = round == 0 || layout[i] == found ? found : "computed";
    }
  }
  return layout;
}

} // namespace phlox::tools
