// Seconds of a run and where they went; from the monotonic clock only.
#pragma once
#include <array>
#include <chrono>
#include <cstddef>

namespace phlox::rl {

enum class Part { env, sample, replay, update, eval, checkpoint };
inline constexpr std::array<const char *, 6> part_names = {
    "env", "sample", "replay", "update", "eval", "checkpoint"};

/// Counts seconds in total and per part.
class RunClock {
public:
  using Time = std::chrono::steady_clock;

  /// Starts with the seconds that earlier processes of the same run took.
  explicit RunClock(double before = 0) : before_(before), start_(Time::now()) {}

  /// Returns the run's seconds, those before a resume included.
  double seconds() const { return before_ + here(); }
  /// Returns the seconds of this process.
  double here() const { return since(start_); }
  void set_before(double seconds) { before_ = seconds; }

  /// Adds its lifetime to a part.
  class Span {
  public:
    Span(RunClock &clock, Part part)
        : clock_(clock), part_(part), start_(Time::now()) {}
    Span(const Span &) = delete;
    Span &operator=(const Span &) = delete;
    ~Span() { clock_.spent_[std::size_t(part_)] += since(start_); }

  private:
    RunClock &clock_;
    Part part_;
    Time::time_point start_;
  };

  struct Window {
    double seconds = 0;
    std::array<double, 6> spent{};
    /// Returns the seconds without evaluation and checkpoints.
    double training() const { return seconds - spent[4] - spent[5]; }
  };
  /// Returns what happened since the last call.
  Window window() {
    Window result;
    double now = here();
    result.seconds = now - window_start_;
    result.spent = spent_;
    window_start_ = now;
    spent_.fill(0);
    return result;
  }

private:
  static double since(Time::time_point start) {
    return std::chrono::duration<double>(Time::now() - start).count();
  }

  double before_, window_start_ = 0;
  Time::time_point start_;
  std::array<double, 6> spent_{};
};

} // namespace phlox::rl
