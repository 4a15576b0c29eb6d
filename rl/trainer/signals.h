// Requests that arrive as signals while a run is going on.
#pragma once
#include <csignal>

namespace phlox::rl {

/// Catches SIGINT, SIGTERM, SIGHUP (stop) and SIGUSR1 (checkpoint and evaluate
/// now) during its lifetime; a second SIGINT ends the process at once. A full
/// disk quota and a closed pipe become write errors instead of signals.
///
/// Threads: one object at a time.
class Signals {
public:
  Signals();
  Signals(const Signals &) = delete;
  Signals &operator=(const Signals &) = delete;
  ~Signals();

  /// Returns the number of the signal that asked to stop, or 0.
  static int stop();
  /// Returns what to call it: "SIGTERM".
  static const char *name(int signal);
  /// Returns true once per SIGUSR1.
  static bool take_request();

private:
  static constexpr int handled_[] = {SIGINT,  SIGTERM, SIGHUP,
                                     SIGUSR1, SIGXFSZ, SIGPIPE};
  struct sigaction before_[6];
};

/// Until its end, SIGINT, SIGTERM and SIGHUP end the process at once with one
/// line on stderr that says what it was doing: there is nothing to save yet.
/// SIGUSR1 is ignored, as there is nothing to evaluate either.
///
/// Threads: one object at a time, nested outside a Signals object.
class EarlyStop {
public:
  /// `doing` completes "stopped by signal 15 while ..."; a literal.
  explicit EarlyStop(const char *doing);
  EarlyStop(const EarlyStop &) = delete;
  EarlyStop &operator=(const EarlyStop &) = delete;
  ~EarlyStop();

private:
  static constexpr int handled_[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
  struct sigaction before_[4];
};

} // namespace phlox::rl
