// The trainer's own settings, typed. Their keys, defaults and meanings are
// listed once, in trainer_keys.cpp.
#pragma once
#include <cstdint>
#include <string>

namespace phlox::rl {

struct TrainerConfig {
  std::string algorithm, env;
  std::string hash; // of the resolved configuration, hexadecimal
  std::int64_t total_timesteps = 1'000'000; // env steps, warm-up included
  std::int64_t learning_starts = 5000;      // env steps of random actions
  int num_envs = 1;
  double utd = 1;       // updates per env step
  bool overlap = false; // environments step while updates run
  std::uint64_t seed = 1;
  int threads = 0; // 0: what affinity and cgroup allow
  struct {
    std::int64_t capacity = 1'000'000; // transitions
    std::int64_t segment = 65'536;     // transitions per file
    bool save = true;
  } replay;
  struct {
    std::int64_t every = 25'000; // env steps, 0: never
    int episodes = 20;
    int num_envs = 10;
    int final_episodes = 100; // after training, 0: none
  } eval;
  struct {
    std::int64_t every = 0; // env steps, 0: never
  } video;
  struct {
    std::int64_t every = 50'000; // env steps, 0: only at the end
    double min_interval = 600;   // s
    int keep = 3;
  } checkpoint;
  struct {
    std::int64_t every = 1000; // env steps
    double stdout_s = 10;      // s between progress lines
    bool tensorboard = true;
  } log;
  double stop_after = 0; // s of this process, 0: never
};

} // namespace phlox::rl
