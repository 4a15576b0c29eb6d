// Open-loop replay: one environment, given start and actions, no limits, no
// resets; what other implementations are compared with.
#pragma once
#include "envs/environment.h"

#include <cstdint>
#include <span>
#include <vector>

namespace phlox::envs {

/// What a replay of T steps saw.
struct Replay {
  std::vector<double> obs;              // (T, O)
  std::vector<double> reward;           // (T)
  std::vector<std::uint8_t> terminated; // (T)
  std::int64_t sim_warnings = 0;        // steps in which the simulator broke
};

/// Steps through actions from a given state; goes on after a termination or a
/// broken state, as Gymnasium does. Costs of actions are computed in their
/// number type. The dynamics have no noise.
///
/// Shapes:  qpos and qvel as in spec(), actions (T, A) in task units, not
///          clipped.
/// Errors:  std::invalid_argument for another size.
Replay replay(Environment &environment, std::span<const double> qpos,
              std::span<const double> qvel, std::span<const double> actions);
Replay replay(Environment &environment, std::span<const double> qpos,
              std::span<const double> qvel, std::span<const float> actions);

} // namespace phlox::envs
