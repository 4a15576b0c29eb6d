// Where a run stands. Everything that follows from these numbers is computed
// from them, so that a resumed run cannot drift.
#pragma once
#include <cmath>
#include <cstdint>

namespace phlox::rl {

struct Counters {
  std::int64_t env_step = 0;    // environment steps, all environments together
  std::int64_t vector_step = 0; // the noise counter of `sample`
  std::int64_t update = 0;      // optimiser steps
  std::int64_t episodes = 0;    // finished training episodes
  std::int64_t evaluations = 0; // finished evaluations, numbers their streams
  // env steps of the last row of logs and of the last evaluation
  std::int64_t logged_at = 0, evaluated_at = 0;
};

/// Returns true if a multiple of `every` lies in (before, now]; 0 means never.
constexpr bool passed(std::int64_t before, std::int64_t now,
                      std::int64_t every) {
  return every > 0 && now / every > before / every;
}

/// Returns the updates that must have happened after `env_step` steps: utd per
/// environment step since `learning_starts`, whole ones only.
constexpr std::int64_t updates_due(std::int64_t env_step,
                                   std::int64_t learning_starts, double utd) {
  if (env_step <= learning_starts)
    return 0;
  double due = static_cast<double>(env_step - learning_starts) * utd;
  // five times .2 is one, whatever the last bit says
  return static_cast<std::int64_t>(due * (1 + 1e-12) + 1e-9);
}

} // namespace phlox::rl
