#include "tools/phlox/bench_rows.h"
#include "rl/replay/threefry.h"
#include "rl/trainer/program.h"
#include "tools/phlox/eager.h"
#include "tools/phlox/unit_peak.h"
#include <algorithm>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace phlox::tools {

using rl::check;

nlohmann::ordered_json BenchRow::json() const {
  nlohmann::ordered_json json = {
      {"work", work},           {"peer", peer},       {"mode", mode},
      {"precision", precision}, {"threads", threads}, {"median_us", median_us},
      {"min_us", min_us},       {"max_us", max_us},   {"ratio", ratio},
      {"peak_percent", nullptr}};
  if (peak_percent >= 0)
    json["peak_percent"] = peak_percent;
  return json;
}

std::string BenchRow::text() const {
  return fmt::format(
      "{:<27} {:<17} {:<9} {:>7} {:>11.1f} {:>11.1f} {:>11.1f} {:>7.2f} {:>6}",
      work, precision == "f32" ? peer : peer + " " + precision, mode, threads,
      median_us, min_us, max_us, ratio,
      peak_percent < 0 ? "-" : fmt::format("{:.1f}", peak_percent));
}

void time_calls(BenchRow &row, double seconds, int period,
                const std::function<void()> &call) {
  using Clock = std::chrono::steady_clock;
  auto group = [&] {
    for (int i = 0; i < period; i++)
      call();
  };
  group();
  std::vector<double> micros;
  double spent = 0;
  while (micros.size() < 5 || (spent < seconds && micros.size() < 100'000)) {
    const auto start = Clock::now();
    group();
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    micros.push_back(took.count() / period);
    spent += took.count() / 1e6;
  }
  std::sort(micros.begin(), micros.end());
  row.median_us = micros[micros.size() / 2];
  row.min_us = micros.front();
  row.max_us = micros.back();
}

namespace {

struct Buffers {
  std::vector<std::vector<std::byte>> memory;
  std::vector<phlox_buffer> buffers;

  Buffers(const phlox_tensor *rows, std::uint32_t count) {
    memory.reserve(count);
    for (std::uint32_t i = 0; i < count; i++) {
      memory.emplace_back(rows[i].bytes);
      buffers.push_back({memory.back().data(), rows[i].bytes});
    }
  }
  // numbers in (-1, 1), but nothing terminates
  void fill(const phlox_tensor *rows) {
    for (std::size_t i = 0; i < memory.size(); i++) {
      if (rows[i].dtype != PHLOX_F32 ||
          std::string_view(rows[i].name) == "terminated")
        continue;
      const rl::Stream stream(1, rows[i].name, 0);
      for (std::size_t k = 0; k < memory[i].size() / sizeof(float); k++) {
        const float value = 2 * stream.uniform(k) - 1;
        std::memcpy(memory[i].data() + k * sizeof value, &value, sizeof value);
      }
    }
  }
};

template <class T> using Owned = std::unique_ptr<T, rl::RuntimeDelete>;

Owned<phlox_entry> make_entry(const phlox_executable *executable,
                              const std::string &name, phlox_pool *pool) {
  phlox_entry *entry = nullptr;
  check(phlox_entry_create(executable, name.c_str(), pool, &entry));
  return Owned<phlox_entry>(entry);
}

} // namespace

BenchProgram::BenchProgram(const std::string &artifact)
    : executable_(load_executable(artifact)),
      variant_(chosen_variant(*phlox_executable_table_of(executable_.get()))) {}

const char *BenchProgram::precision() const { return precision_of(variant_); }

// a state after `init`, one entry point, and its buffers
struct BenchProgram::Prepared {
  Owned<phlox_pool> pool;
  Owned<phlox_state> state;
  Owned<phlox_entry> entry;
  const phlox_entry_desc &desc;
  Buffers inputs, outputs;

  static Owned<phlox_pool> make_pool(int threads) {
    phlox_pool *pool = nullptr;
    check(phlox_pool_create(threads, &pool));
    return Owned<phlox_pool>(pool);
  }
  static Owned<phlox_state> make_state(const phlox_executable *executable) {
    phlox_state *state = nullptr;
    check(phlox_state_create(executable, &state));
    return Owned<phlox_state>(state);
  }

  Prepared(const phlox_executable *executable, const std::string &name,
           int threads)
      : pool(make_pool(threads)), state(make_state(executable)),
        entry(make_entry(executable, name, pool.get())),
        desc(*phlox_entry_table(entry.get())),
        inputs(desc.inputs, desc.input_count),
        outputs(desc.outputs, desc.output_count) {
    const auto &table = *phlox_executable_table_of(executable);
    for (std::uint32_t i = 0; i < table.entry_count; i++)
      if (std::string_view(table.entries[i].name) == "init") {
        const auto init = make_entry(executable, "init", pool.get());
        std::uint64_t seed = 1;
        const phlox_buffer input{&seed, sizeof seed};
        check(phlox_entry_run(init.get(), state.get(), &input, 1, nullptr, 0));
      }
    inputs.fill(desc.inputs);
  }

  void run() {
    check(phlox_entry_run(entry.get(), state.get(), inputs.buffers.data(),
                          inputs.buffers.size(), outputs.buffers.data(),
                          outputs.buffers.size()));
  }
};

BenchRow BenchProgram::measure(const std::string &work, const std::string &name,
                               const std::string &mode, int threads,
                               double seconds, int period) const {
  const auto &table = *phlox_executable_table_of(executable_.get());
  Prepared p(executable_.get(), name, threads);
  BenchRow row{
      .work = work, .mode = mode, .precision = precision(), .threads = threads};
  double most = measure_peak(variant_, threads);
  if (mode == "eager") {
    EagerRunner runner(table, name, p.pool.get());
    time_calls(row, seconds, period, [&] {
      runner.run(p.state.get(), p.inputs.buffers, p.outputs.buffers);
    });
  } else {
    time_calls(row, seconds, period, [&] { p.run(); });
  }
  most = std::max(most, measure_peak(variant_, threads));
  // the table counts the compiled program; one op alone is the same in both
  if (period == 1 && (mode == "compiled" || table.leaf_count == 0))
    row.peak_percent =
        100 * static_cast<double>(p.desc.flops) / row.median_us / 1e3 / most;
  return row;
}

nlohmann::ordered_json
BenchProgram::profile(const std::string &work, const std::string &name,
                      int threads, double seconds, int period, bool quiet,
                      nlohmann::ordered_json &events) const {
  const auto &table = *phlox_executable_table_of(executable_.get());
  Prepared p(executable_.get(), name, threads);
  double most = measure_peak(variant_, 1);
  auto calls = profile_calls(p.entry.get(), seconds, [&] { p.run(); });
  most = std::max(most, measure_peak(variant_, 1));
  // of a period's calls the whole ones are the slowest
  const auto whole = calls.size() / static_cast<std::size_t>(period);
  calls.erase(calls.begin(), calls.end() - static_cast<std::ptrdiff_t>(whole));
  const auto &middle = calls[calls.size() / 2];
  const auto rows = kernel_rows(table, calls, most);
  if (!quiet)
    fmt::print("\n{}, {} threads, {:.0f} GFLOP/s peak per core\n{}", work,
               threads, most, kernel_table(rows, middle.us, threads));
  add_trace(events, table, fmt::format("{} ({} threads)", work, threads),
            middle);
  return {{"work", work},
          {"threads", threads},
          {"median_us", middle.us},
          {"peak_gflops", most},
          {"kernels", rows}};
}

std::string run_process(std::vector<std::string> words) {
  std::vector<char *> argv;
  for (auto &word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error("a pipe cannot be made");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  char part[4096];
  for (ssize_t got; !error && (got = read(ends[0], part, sizeof part)) > 0;)
    text.append(part, static_cast<std::size_t>(got));
  close(ends[0]);
  if (error)
    throw std::runtime_error(
        fmt::format("{}: cannot be run: {}", words[0], std::strerror(error)));
  int status = 0;
  waitpid(child, &status, 0);
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  const std::string last = text.substr(text.rfind('\n') + 1);
  if (status != 0)
    throw std::runtime_error(last.empty() ? "it said nothing" : last);
  return last;
}

BenchRow run_peer(const std::string &python, const std::string &script,
                  const std::vector<std::string> &arguments) {
  std::vector<std::string> words = {python, "-B", script};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::string last = run_process(words);
  const auto json = nlohmann::json::parse(last, nullptr, false);
  if (!json.is_object() || !json.contains("median_us"))
    throw std::runtime_error(last.empty() ? "it said nothing" : last);
  BenchRow row;
  row.peer = json.value("peer", std::string("?"));
  row.median_us = json["median_us"].get<double>();
  row.min_us = json.value("min_us", row.median_us);
  row.max_us = json.value("max_us", row.median_us);
  row.first_us = json.value("first_us", 0.);
  return row;
}

} // namespace phlox::tools
