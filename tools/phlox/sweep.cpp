// phlox sweep: many trainings, side by side, on one machine or on many.
#include "phlox/runtime.h"
#include "rl/trainer/errors.h"
#include "rl/trainer/program.h"
#include "rl/trainer/signals.h"
#include "runtime/file.h"
#include "tools/phlox/output.h"
#include "tools/phlox/sweep_run.h"
#include "tools/phlox/sweep_table.h"
#include "tools/phlox/verbs.h"
#include "tools/phlox/write_report.h"
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <list>
#include <thread>
#include <unistd.h>

namespace phlox::tools {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string file, share;
  int jobs = 1;
  bool dry_run = false, quiet = false, no_report = false;
};

int available_threads() {
  phlox_pool *pool = nullptr;
  rl::check(phlox_pool_create(0, &pool));
  const int threads = phlox_pool_threads(pool);
  phlox_pool_free(pool);
  return threads;
}

class Sweep {
public:
  explicit Sweep(const Arguments &arguments)
      : a(arguments), plan(read_sweep(a.file)),
        share(find_share(a.share,
                         [](const std::string &name) -> std::string {
                           const char *value = std::getenv(name.c_str());
                           return value ? value : "";
                         })),
        threads(threads_per_run(available_threads(),
                                static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)),
                                share, a.jobs)),
        table(plan, a.quiet, share.count == 1) {
    for (std::size_t i = 0; i < plan.runs.size(); i++)
      if (static_cast<int>(i % static_cast<std::size_t>(share.count)) ==
          share.index)
        mine.push_back(i);
  }

  int run() {
    if (a.dry_run)
      return list();
    std::error_code error;
    fs::create_directories(plan.out, error);
    if (error)
      throw runtime::FileError(plan.out.string(), "create folder",
                               error.value());
    table.begin(fmt::format("{}: {} runs{}, {} at a time, {} thread{} each",
                            plan.out.string(), mine.size(),
                            share.count > 1
                                ? fmt::format(" of {} (part {} of {})",
                                              plan.runs.size(), share.index,
                                              share.count)
                                : "",
                            a.jobs, threads, threads == 1 ? "" : "s"));
    rl::Signals signals;
    sort_out();
    while (!waiting.empty() || !working.empty()) {
      const int stop = rl::Signals::stop();
      if (stop && !stopped)
        end_all(stop);
      while (!stop && !waiting.empty() &&
             static_cast<int>(working.size()) < a.jobs)
        start();
      collect();
      table.draw(working_runs(), waiting.size());
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    table.end(mine);
    if (!a.no_report)
      report();
    return stopped ? 128 + stopped : table.failures() ? 1 : 0;
  }

private:
  int list() const {
    for (const std::size_t i : mine) {
      auto words = train_command(plan.runs[i], plan.out, threads);
      std::ranges::transform(words, words.begin(), shell_word);
      fmt::print("phlox {}\n", fmt::join(words, " "));
    }
    return 0;
  }

  fs::path folder(std::size_t i) const { return plan.out / plan.runs[i].name; }

  // finished ones, broken ones, and those that cannot be gone on with
  void sort_out() {
    for (const std::size_t i : mine) {
      const std::string refusal = refuse_folder(plan.runs[i], folder(i));
      if (!refusal.empty())
        table.failed(i, refusal);
      else if (read_progress(folder(i), plan.runs[i].total_timesteps).finished)
        table.done(i, true);
      else
        waiting.push_back(i);
    }
  }

  void start() {
    const std::size_t i = waiting.front();
    waiting.pop_front();
    try {
      working.emplace_back(i, TrainProcess(plan.runs[i], plan.out, threads));
      table.started(i);
    } catch (const std::exception &error) {
      table.failed(i, error.what());
    }
  }

  void collect() {
    for (auto at = working.begin(); at != working.end();) {
      if (!at->second.ended()) {
        ++at;
        continue;
      }
      const std::size_t i = at->first;
      if (stopped)
        table.left(i);
      else if (at->second.status() != 0)
        table.failed(i, at->second.reason());
      else if (!read_progress(folder(i), plan.runs[i].total_timesteps).finished)
        table.left(i); // stop_after, or a checkpoint to go on from
      else
        table.done(i, false);
      at = working.erase(at);
    }
  }

  // runs checkpoint, and the next call of the same sweep goes on with them
  void end_all(int signal) {
    stopped = signal;
    for (const std::size_t i : waiting)
      table.left(i);
    waiting.clear();
    for (const auto &[i, process] : working)
      process.signal(SIGTERM);
  }

  std::vector<std::size_t> working_runs() const {
    std::vector<std::size_t> runs;
    for (const auto &[i, process] : working)
      runs.push_back(i);
    return runs;
  }

  void report() {
    try {
      table.say(
          write_report({plan.out.string()}, plan.out / "report.html", false));
    } catch (const std::exception &error) {
      table.say(fmt::format("no report: {}", error.what()));
    }
  }

  const Arguments &a;
  SweepPlan plan;
  Share share;
  int threads;
  SweepTable table;
  std::vector<std::size_t> mine;
  std::deque<std::size_t> waiting;
  std::list<std::pair<std::size_t, TrainProcess>> working;
  int stopped = 0;
};

} // namespace

void add_sweep_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand(
      "sweep", "Train tasks x algorithms x settings x seeds; also as a Slurm "
               "array or under mpirun. Finished runs are skipped, others gone "
               "on with");
  auto a = std::make_shared<Arguments>();
  verb->add_option("FILE", a->file,
                   "TOML: algorithms, envs, seeds, [set], [for.NAME], [grid]")
      ->required();
  verb->add_option("--jobs", a->jobs, "Trainings side by side [1]")
      ->check(CLI::Range(1, 4096));
  verb->add_option("--share", a->share,
                   "I/N: do every N-th run from the I-th, counted from 0 [as "
                   "SLURM_ARRAY_TASK_ID or the MPI launcher says]");
  verb->add_flag("--dry-run", a->dry_run,
                 "Check the file, print the command of each run, and stop");
  verb->add_flag("--no-report", a->no_report, "Write no report at the end");
  verb->add_flag("-q,--quiet", a->quiet, "Only failures and the last table");
  verb->callback([a] {
    int status = 0;
    try {
      status = Sweep(*a).run();
    } catch (const rl::UsageError &error) {
      throw CLI::ValidationError(error.what());
    }
    if (status)
      throw CLI::RuntimeError(status);
  });
}

} // namespace phlox::tools
