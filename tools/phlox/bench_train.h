// The whole of training, environment and updates, per environment step.
#pragma once
#include "tools/phlox/bench_rows.h"

namespace phlox::tools {

/// Trains SAC on HalfCheetah-v5 with one update per step in a process of its
/// own, in a temporary folder, for about `seconds` after learning began; a row
/// has the time of one environment step, over windows of 500.
///
/// Errors:  std::runtime_error with the last line that the training said.
BenchRow measure_training(int threads, double seconds,
                          const std::string &precision);

} // namespace phlox::tools
