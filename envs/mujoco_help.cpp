// What the keyword arguments of the MuJoCo tasks mean; the same word means the
// same in every task.
#include "envs/mujoco_task.h"

#include <fmt/format.h>
#include <stdexcept>

namespace phlox::envs {
namespace {

struct Row {
  const char *key, *help;
};

constexpr Row table[] = {
    {"contact_cost_range", "the cost of contacts is clipped to this range"},
    {"contact_cost_weight", "cost per squared N or Nm of contact forces"},
    {"contact_force_range", "contact forces are clipped to this range first"},
    {"ctrl_cost_weight", "cost per squared unit of action"},
    {"exclude_current_positions_from_observation",
     "leave out of the observation where the body is along the ground"},
    {"forward_reward_weight", "reward per m/s along x"},
    {"frame_skip", "simulator steps per env step"},
    {"healthy_angle_range", "healthy while the torso's angle is inside, rad"},
    {"healthy_reward", "reward of a step that ends healthy"},
    {"healthy_state_range",
     "healthy while the height, all angles and all velocities are inside"},
    {"healthy_z_range", "healthy while the torso's height is inside, m"},
    {"impact_cost_range", "the cost of impacts is clipped to this range"},
    {"impact_cost_weight", "cost per squared N or Nm of contact forces"},
    {"include_cfrc_ext_in_observation", "observe contact forces on bodies"},
    {"include_cinert_in_observation", "observe the bodies' inertias"},
    {"include_cvel_in_observation", "observe the bodies' velocities"},
    {"include_qfrc_actuator_in_observation", "observe the actuators' forces"},
    {"main_body", "body whose x makes the velocity, by number or name"},
    {"max_episode_steps", "env steps until an episode is truncated"},
    {"reset_noise_scale", "reach or deviation of the noise on the start"},
    {"reward_control_weight", "cost per squared unit of action"},
    {"reward_dist_weight", "cost per m to the goal"},
    {"reward_near_weight", "cost per m between arm and object"},
    {"terminate_when_unhealthy", "end the episode when no longer healthy"},
    {"uph_cost_weight", "accepted and without effect, as in Gymnasium"},
    {"xml_file",
     "one of Gymnasium's models, or a path that starts with '.' or '/'"},
};

const char *help_of(const std::string &key) {
  for (const Row &row : table)
    if (key == row.key)
      return row.help;
  throw std::logic_error(
      fmt::format("keyword argument '{}' must have its line of help", key));
}

} // namespace

Entry mujoco_entry(const char *id, const char *summary,
                   const MujocoDefaults &common, Kwargs own,
                   std::unique_ptr<Environment> (*make)(const Kwargs &),
                   const Kwargs &own_help) {
  own["xml_file"] = common.xml_file;
  own["frame_skip"] = common.frame_skip;
  own["max_episode_steps"] = common.max_episode_steps;
  Kwargs help = Kwargs::object();
  for (const auto &[key, value] : own.items())
    help[key] = own_help.contains(key) ? own_help[key] : help_of(key);
  return {id, summary, std::move(own), make, std::move(help)};
}

} // namespace phlox::envs
