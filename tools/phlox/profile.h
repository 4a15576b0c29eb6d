// phlox bench --profile: where the time of one call goes, kernel by kernel.
#pragma once
#include "phlox/runtime.h"
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace phlox::tools {

/// One task of one kernel, in microseconds since its call began.
struct KernelTask {
  std::uint32_t kernel = 0;
  int thread = 0;
  std::int64_t task = 0;
  double begin_us = 0, end_us = 0;
};

/// The records of one call of an entry point.
struct CallProfile {
  double us = 0;
  std::vector<KernelTask> tasks; // as they ended
};

/// Runs `call` about `seconds` long (at least 5 times after one that is not
/// counted) while the entry point reports its kernels; returns the calls in
/// order of their time, so that the median is the middle one.
///
/// Errors:  std::runtime_error for an artifact without records.
std::vector<CallProfile> profile_calls(phlox_entry *entry, double seconds,
                                       const std::function<void()> &call);

/// One row per kernel of the entry point that ran: its time (of all tasks,
/// median over the calls), FLOP, bytes, GFLOP/s, and the share of `peak_gflops`
/// (of one core).
nlohmann::ordered_json kernel_rows(const phlox_executable_table &table,
                                   const std::vector<CallProfile> &calls,
                                   double peak_gflops);
/// The same for a terminal, the longest first, and the time between kernels.
std::string kernel_table(const nlohmann::ordered_json &rows, double call_us,
                         int threads);

/// Adds the events of one call to a Chrome trace: one process per entry point,
/// one row per thread.
void add_trace(nlohmann::ordered_json &events,
               const phlox_executable_table &table, const std::string &work,
               const CallProfile &call);

} // namespace phlox::tools
