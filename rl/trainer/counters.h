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
  // multiples of log.every and eval.every that are done
  std::int64_t log_mark = 0, eval_mark = 0;
};

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
