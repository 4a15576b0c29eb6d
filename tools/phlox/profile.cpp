#include "tools/phlox/profile.h"
#include "rl/trainer/program.h"
#include <algorithm>
#include <atomic>
#include <chrono>
#include <fmt/core.h>
#include <map>
#include <mutex>
#include <x86intrin.h>

namespace phlox::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_calls = 1000;
constexpr std::size_t most_records = 4'000'000; // about 130 MB

struct Raw {
  std::uint32_t kernel;
  int thread;
  std::int64_t task;
  std::uint64_t begin, end;
};

// Each thread writes to a list of its own.
class Recorder {
public:
  static void record(void *self, std::uint32_t kernel, std::int64_t task,
                     std::uint64_t begin, std::uint64_t end) {
    static_cast<Recorder *>(self)->mine().push_back(
        {kernel, thread_, task, begin, end});
  }
  std::vector<Raw> take() {
    std::vector<Raw> all;
    for (auto &list : lists_) {
      all.insert(all.end(), list.second.begin(), list.second.end());
      list.second.clear();
    }
    return all;
  }

private:
  std::vector<Raw> &mine() {
    if (owner_ != number_) {
      const std::lock_guard lock(mutex_);
      owner_ = number_;
      thread_ = static_cast<int>(lists_.size());
      list_ = &lists_[thread_];
    }
    return *list_;
  }

  static std::atomic<int> made_;
  static thread_local int owner_, thread_;
  static thread_local std::vector<Raw> *list_;
  const int number_ = ++made_; // an address may come again
  std::mutex mutex_;
  std::map<int, std::vector<Raw>> lists_;
};
std::atomic<int> Recorder::made_ = 0;
thread_local int Recorder::owner_ = 0;
thread_local int Recorder::thread_ = 0;
thread_local std::vector<Raw> *Recorder::list_ = nullptr;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

} // namespace

std::vector<CallProfile> profile_calls(phlox_entry *entry, double seconds,
                                       const std::function<void()> &call) {
  Recorder recorder;
  rl::check(phlox_entry_record(entry, Recorder::record, &recorder));
  call(); // every thread finds its list
  recorder.take();
  struct Timed {
    std::uint64_t begin, end;
    std::vector<Raw> records;
  };
  std::vector<Timed> timed;
  std::size_t records = 0;
  const auto start = Clock::now();
  const std::uint64_t first = __rdtsc();
  std::chrono::duration<double> spent{0};
  while (timed.size() < 5 ||
         (spent.count() < seconds && timed.size() < most_calls &&
          records < most_records)) {
    const std::uint64_t begin = __rdtsc();
    call();
    const std::uint64_t end = __rdtsc();
    timed.push_back({begin, end, recorder.take()});
    records += timed.back().records.size();
    spent = Clock::now() - start;
  }
  const double ticks_per_us =
      static_cast<double>(__rdtsc() - first) / (spent.count() * 1e6);
  rl::check(phlox_entry_record(entry, nullptr, nullptr));

  std::vector<CallProfile> calls;
  for (const auto &one : timed) {
    // cores whose counters differ a little
    auto since = [&](std::uint64_t time) {
      return static_cast<double>(static_cast<std::int64_t>(time - one.begin)) /
             ticks_per_us;
    };
    CallProfile profile{since(one.end), {}};
    for (const auto &raw : one.records)
      profile.tasks.push_back(
          {raw.kernel, raw.thread, raw.task, since(raw.begin), since(raw.end)});
    calls.push_back(std::move(profile));
  }
  std::sort(calls.begin(), calls.end(),
            [](const auto &x, const auto &y) { return x.us < y.us; });
  return calls;
}

nlohmann::ordered_json kernel_rows(const phlox_executable_table &table,
                                   const std::vector<CallProfile> &calls,
                                   double peak_gflops) {
  std::map<std::uint32_t, std::vector<double>> spent; // per call
  std::map<std::uint32_t, std::int64_t> tasks;        // of all calls
  for (std::size_t i = 0; i < calls.size(); i++)
    for (const auto &task : calls[i].tasks) {
      auto &times = spent[task.kernel];
      times.resize(calls.size());
      times[i] += task.end_us - task.begin_us;
      tasks[task.kernel]++;
    }
  std::vector<std::pair<double, std::uint32_t>> longest;
  for (const auto &[number, times] : spent)
    longest.emplace_back(-median(times), number);
  std::sort(longest.begin(), longest.end());
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto &[negated, number] : longest) {
    const auto &kernel = table.kernels[number];
    const double us = -negated;
    const double flops = static_cast<double>(kernel.flops * kernel.calls);
    const double gflops = us > 0 ? flops / us / 1e3 : 0;
    rows.push_back(
        {{"kernel", kernel.name},
         {"step", kernel.step},
         {"runs", kernel.calls},
         {"tasks", static_cast<std::size_t>(tasks[number]) / calls.size()},
         {"flops", kernel.flops * kernel.calls},
         {"bytes", kernel.bytes * kernel.calls},
         {"us", us},
         {"gflops", gflops},
         {"peak_percent", 100 * gflops / peak_gflops}});
  }
  return rows;
}

std::string kernel_table(const nlohmann::ordered_json &rows, double call_us,
                         int threads) {
  std::string text = fmt::format("{:>10} {:>6} {:>5} {:>10} {:>9} {:>8} {:>6} "
                                 " {}\n",
                                 "µs", "share", "tasks", "MFLOP", "MB",
                                 "GFLOP/s", "peak %", "kernel");
  const double all = call_us * threads;
  double busy = 0, small_us = 0;
  std::size_t small = 0;
  for (const auto &row : rows) {
    const double us = row["us"].get<double>();
    busy += us;
    if (us < all / 1000) {
      small++;
      small_us += us;
      continue;
    }
    text += fmt::format(
        "{:>9.1f} {:>5.1f}% {:>5} {:>10.2f} {:>9.2f} {:>8.1f} "
        "{:>6.1f}  {}\n",
        us, 100 * us / all, row["tasks"].get<std::int64_t>(),
        row["flops"].get<double>() / 1e6, row["bytes"].get<double>() / 1e6,
        row["gflops"].get<double>(), row["peak_percent"].get<double>(),
        row["kernel"].get<std::string>());
  }
  if (small)
    text += fmt::format("{:>9.1f} {:>5.1f}%  {} kernels below 0.1 % each\n",
                        small_us, 100 * small_us / all, small);
  return text + fmt::format("{:>9.1f} {:>5.1f}%  between kernels and waiting, "
                            "{} threads of a call of {:.1f} µs\n",
                            all - busy, 100 * (all - busy) / all, threads,
                            call_us);
}

void add_trace(nlohmann::ordered_json &events,
               const phlox_executable_table &table, const std::string &work,
               const CallProfile &call) {
  std::size_t process = 1;
  for (const auto &event : events)
    process = std::max(process, event["pid"].get<std::size_t>() + 1);
  events.push_back({{"name", "process_name"},
                    {"ph", "M"},
                    {"pid", process},
                    {"args", {{"name", work}}}});
  for (const auto &task : call.tasks) {
    const auto &kernel = table.kernels[task.kernel];
    events.push_back({{"name", kernel.name},
                      {"ph", "X"},
                      {"pid", process},
                      {"tid", task.thread},
                      {"ts", task.begin_us},
                      {"dur", task.end_us - task.begin_us},
                      {"args",
                       {{"task", task.task},
                        {"step", kernel.step},
                        {"flops", kernel.flops},
                        {"bytes", kernel.bytes}}}});
  }
}

} // namespace phlox::tools
