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
  void lap(const std::string &phase) { add(laps, phase, sinceLast()); }
  /// Takes in what another watch measured while this lap ran.
  void gather(const PhaseTimes &beside) {
    for (auto &[phase, seconds] : beside.laps)
      add(gathered, phase, seconds);
  }
  /// Divides the seconds since the last lap among the gathered phases, as
  /// their own seconds are to each other.
  void lapGathered() {
    double all = 0;
    for (auto &[phase, seconds] : gathered)
      all += seconds;
    const double spent = sinceLast();
    for (auto &[phase, seconds] : gathered)
      add(laps, phase, spent * (all > 0 ? seconds / all : 1));
    gathered.clear();
  }
  /// Phases in the order they first ended, with seconds.
  const std::vector<std::pair<std::string, double>> &seconds() const {
    return laps;
  }

private:
  using Laps = std::vector<std::pair<std::string, double>>;

  double sinceLast() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> spent = now - last;
    last = now;
    return spent.count();
  }
  static void add(Laps &laps, const std::string &phase, double more) {
    for (auto &[name, seconds] : laps)
      if (name == phase) {
        seconds += more;
        return;
      }
    laps.emplace_back(phase, more);
  }

  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  Laps laps, gathered;
};

} // namespace phlox
