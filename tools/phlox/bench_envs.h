// phlox bench envs: vector stepping beside MuJoCo alone, EnvPool, Gymnasium.
#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace phlox::tools {

/// What is measured, and how long.
struct EnvsBench {
  std::string python, peers; // a Python that may have the peers, and scripts
  bool no_peers = false;
  int threads = 2;    // of the vectors
  double seconds = 1; // for each row, in several bursts
};

/// One line of the table.
struct EnvsRow {
  std::string work, peer;
  int num_envs = 1, threads = 1;
  double steps_per_s = 0, least = 0, most = 0; // median and range of the bursts
  double ratio = 1; // our steps per second over these

  nlohmann::ordered_json json() const;
  std::string text() const;
  static std::string header();
};

/// Measures HalfCheetah, Ant, Humanoid and Hopper with 8 and 64 environments on
/// several threads, and one HalfCheetah; calls `add` for each row. The rows of
/// one group take turns in short bursts, so that all see the same machine; a
/// ratio is the median over the turns. A peer that cannot be run is said on
/// stderr.
void bench_envs(const EnvsBench &wanted,
                const std::function<void(const EnvsRow &)> &add);

} // namespace phlox::tools
