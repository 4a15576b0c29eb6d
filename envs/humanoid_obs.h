// What Humanoid-v5 and HumanoidStandup-v5 observe.
#pragma once
#include "envs/mujoco_parts.h"

namespace phlox::envs {

/// Chooses the parts of the observation, in their order: qpos (without x, y),
/// qvel; of each body but the world cinert and cvel; qfrc_actuator without the
/// free joint; cfrc_ext of each body but the world.
struct HumanoidObs {
  bool exclude_positions, cinert, cvel, qfrc_actuator, cfrc_ext;

  /// The keyword arguments that from() reads, with Gymnasium's defaults.
  static Kwargs defaults(Kwargs own);
  static HumanoidObs from(const Kwargs &kwargs);

  int size(const mjModel &model) const;
  void write(const mjModel &model, const mjData &data,
             std::span<double> obs) const;
};

} // namespace phlox::envs
