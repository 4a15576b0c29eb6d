// What a sweep shows: redrawn rows on a terminal, a line per event elsewhere.
#pragma once
#include "tools/phlox/sweep_run.h"
#include <chrono>
#include <string>
#include <vector>

namespace phlox::tools {

class SweepTable {
public:
  /// `alone`: nobody else redraws this terminal, as other MPI ranks would.
  SweepTable(const SweepPlan &plan, bool quiet, bool alone);

  /// Events of a run, by its number in the plan.
  void started(std::size_t run);
  void done(std::size_t run, bool before);
  void failed(std::size_t run, const std::string &reason);
  /// To be gone on with by another call.
  void left(std::size_t run);

  /// Says a line above the table.
  void say(const std::string &line);
  void begin(const std::string &line) { quiet_ ? void() : say(line); }
  /// Shows the runs that are at work, at most once a second (a minute where
  /// nothing can be redrawn).
  void draw(const std::vector<std::size_t> &working, std::size_t waiting);
  /// Shows every run of a list, then the reasons of failures.
  void end(const std::vector<std::size_t> &runs);

  int failures() const { return count(State::failed); }

private:
  enum class State { waiting, working, done, failed, left };
  using Clock = std::chrono::steady_clock;
  int count(State state) const;
  std::string row(std::size_t run) const;
  void clear();

  const SweepPlan &plan_;
  bool quiet_, terminal_;
  std::vector<State> states_;
  std::vector<std::string> reasons_;
  std::size_t width_ = 0; // of names
  int drawn_ = 0;         // lines that stand below the cursor's column
  Clock::time_point last_;
};

} // namespace phlox::tools
