// Where the time of a compilation goes.
#pragma once
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace phlox {

/// A stopwatch whose laps have names; laps of one name add up.
class PhaseTimes {
public:
  /// Adds the seconds since the last lap to `phase`.
  void lap(const std::string &phase) {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> spent = now - last;
    last = now;
    for (auto &[name, seconds] : laps)
      if (name == phase) {
        seconds += spent.count();
        return;
      }
    laps.emplace_back(phase, spent.count());
  }
  /// Phases in the order they first ended, with seconds.
  const std::vector<std::pair<std::string, double>> &seconds() const {
    return laps;
  }

private:
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  std::vector<std::pair<std::string, double>> laps;
};

} // namespace phlox
