// The limit of environment stepping: MuJoCo alone, one loop per thread, doing
// what a task's steps and resets ask of the simulator and nothing else.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace phlox::bench {

/// Returns the tasks that have a bare loop.
std::vector<std::string> bare_tasks();

/// Independent loops that run at the same time and share the model alone.
///
/// Each step sets random controls, calls mj_step frame_skip times and then
/// mj_rnePostConstraint; an episode ends where the task's would and starts
/// again with mj_resetData, noise and mj_forward. Nothing is observed or paid.
class BareLoops {
public:
  /// Takes a task of bare_tasks() and how many loops there are; each goes
  /// through its simulations in turn, as a thread of a vector does.
  BareLoops(std::string_view task, int loops, int simulations_per_loop);
  BareLoops(BareLoops &&) noexcept;
  ~BareLoops();

  /// Runs all loops at once for some seconds; returns env steps per second of
  /// all of them together.
  double rate(double seconds);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Returns numbers in [-1, 1) from a fixed stream.
std::vector<float> action_table(std::size_t numbers);

} // namespace phlox::bench
