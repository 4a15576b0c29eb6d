// What phlox bench measures: single entry points, ours and other programs'.
#pragma once
#include "tools/phlox/profile.h"
#include "tools/phlox/setup.h"
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace phlox::tools {

/// One line of the table.
struct BenchRow {
  std::string work; // "flame-r/train_step"
  std::string peer = "phlox", mode = "compiled", precision = "f32";
  int threads = 1;
  double median_us = 0, min_us = 0, max_us = 0;
  double ratio = 1;         // times our compiled median
  double first_us = 0;      // a peer's first call, which compiles; 0: unknown
  double peak_percent = -1; // of the peak measured beside it; -1: unknown

  nlohmann::ordered_json json() const;
  std::string text() const;
};

/// Times groups of `period` calls for about `seconds`, at least 5 groups after
/// one that is not counted; a row has the time of one call.
void time_calls(BenchRow &row, double seconds, int period,
                const std::function<void()> &call);

/// A program with buffers for one entry point, ready to be timed.
class BenchProgram {
public:
  explicit BenchProgram(const std::string &artifact);
  /// Of the products of the code that this machine takes.
  const char *precision() const;
  /// Times an entry point on inputs drawn from a fixed stream; `init` makes the
  /// state if the program has it. `period` calls in a row do all that the entry
  /// point ever does; the share of the peak is known only for a period of 1.
  BenchRow measure(const std::string &work, const std::string &entry,
                   const std::string &mode, int threads, double seconds,
                   int period = 1) const;
  /// Where the time of one call goes: prints a table unless `quiet`, adds the
  /// median call to a Chrome trace; returns {"work", "threads", "median_us",
  /// "peak_gflops" (of one core), "kernels"}. A call that updates nothing but
  /// now and then is one of `period`: the longest ones are shown.
  nlohmann::ordered_json profile(const std::string &work,
                                 const std::string &entry, int threads,
                                 double seconds, int period, bool quiet,
                                 nlohmann::ordered_json &events) const;

private:
  struct Prepared;

  Executable executable_;
  const phlox_variant &variant_;
};

/// Runs a program to its end; returns the last line that it wrote, to stdout or
/// stderr.
///
/// Errors:  std::runtime_error with that line if it fails.
std::string run_process(std::vector<std::string> words);

/// Runs a script of bench/peers with a Python and reads the JSON line that it
/// prints: {"peer", "median_us", "min_us", "max_us"}.
///
/// Errors:  std::runtime_error with the last line that the script said.
BenchRow run_peer(const std::string &python, const std::string &script,
                  const std::vector<std::string> &arguments);

} // namespace phlox::tools
