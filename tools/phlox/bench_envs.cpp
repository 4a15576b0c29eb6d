#include "tools/phlox/bench_envs.h"
#include "bench/bare_loops.h"
#include "envs/registry.h"
#include "tools/phlox/output.h"
#include "tools/phlox/peer_process.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <vector>

namespace phlox::tools {
namespace {

constexpr int bursts = 7;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// One that steps: makes bursts and keeps how fast they were.
struct Runner {
  std::string peer;
  std::function<double(double)> rate; // seconds to env steps per second
  std::vector<double> rates = {};
};

double rate_of(envs::VectorEnv &env, std::span<const float> actions,
               double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto width = static_cast<std::size_t>(env.size() * env.action_size());
  const std::size_t rows = actions.size() / width;
  const auto start = Clock::now();
  std::chrono::duration<double> taken{};
  std::size_t steps = 0;
  do {
    env.step(actions.subspan(steps++ % rows * width, width));
    taken = Clock::now() - start;
  } while (taken.count() < seconds);
  return static_cast<double>(steps) * env.size() / taken.count();
}

class Group {
public:
  Group(const EnvsBench &bench, std::string task, int num_envs, int threads)
      : bench_(bench), task_(std::move(task)), num_envs_(num_envs),
        threads_(threads) {}

  void measure(const std::function<void(const EnvsRow &)> &add) {
    add_own();
    add_bare(1);
    if (num_envs_ > threads_)
      add_bare(num_envs_ / threads_);
    if (!bench_.no_peers)
      for (const char *framework : {"envpool", "gymnasium"})
        add_peer(framework);
    const double burst = std::max(bench_.seconds / bursts, 1e-3);
    // the first turn does not count: caches and clocks get used to it
    for (int turn = 0; turn <= bursts; ++turn)
      std::erase_if(runners_, [&](Runner &runner) {
        try {
          const double rate = runner.rate(burst);
          if (turn > 0)
            runner.rates.push_back(rate);
          return false;
        } catch (const std::exception &error) {
          complain(runner.peer, error);
          return true;
        }
      });
    for (const Runner &runner : runners_)
      add(row(runner));
  }

private:
  void add_own() {
    env_.emplace(
        envs::make_vector_env(task_, {}, num_envs_, 1, "bench", threads_));
    env_->reset();
    actions_ = bench::action_table(
        256 * static_cast<std::size_t>(num_envs_ * env_->action_size()));
    runners_.push_back({"phlox", [this](double seconds) {
                          return rate_of(*env_, actions_, seconds);
                        }});
  }

  void add_bare(int simulations) {
    auto loops =
        std::make_shared<bench::BareLoops>(task_, threads_, simulations);
    runners_.push_back(
        {simulations == 1 ? std::string("bare loops")
                          : fmt::format("bare loops of {}", simulations),
         [loops](double seconds) { return loops->rate(seconds); }});
  }

  void add_peer(const std::string &framework) {
    try {
      auto process = std::make_shared<PeerProcess>(
          bench_.python, bench_.peers + "/env_steps.py",
          std::vector<std::string>{"--framework", framework, "--task", task_,
                                   "--num-envs", fmt::format("{}", num_envs_),
                                   "--threads", fmt::format("{}", threads_)});
      const auto name = process->read().value("peer", framework);
      runners_.push_back({name, [process](double seconds) {
                            process->write(fmt::format("{}", seconds));
                            const auto answer = process->read();
                            return answer.at("steps").get<double>() /
                                   answer.at("seconds").get<double>();
                          }});
    } catch (const std::exception &error) {
      complain(framework, error);
    }
  }

  void complain(const std::string &peer, const std::exception &error) const {
    warn(fmt::format("{}: no row of {}: {}", work(), peer, error.what()));
  }

  std::string work() const {
    return fmt::format("envs/{}/{}", task_, num_envs_);
  }

  EnvsRow row(const Runner &runner) const {
    EnvsRow row{.work = work(),
                .peer = runner.peer,
                .num_envs = num_envs_,
                .threads = threads_};
    row.steps_per_s = median(runner.rates);
    row.least = *std::ranges::min_element(runner.rates);
    row.most = *std::ranges::max_element(runner.rates);
    std::vector<double> ratios;
    for (std::size_t turn = 0; turn < runner.rates.size(); ++turn)
      ratios.push_back(runners_.front().rates[turn] / runner.rates[turn]);
    row.ratio = median(ratios);
    return row;
  }

  const EnvsBench &bench_;
  std::string task_;
  int num_envs_, threads_;
  std::optional<envs::VectorEnv> env_;
  std::vector<float> actions_;
  std::vector<Runner> runners_;
};

} // namespace

nlohmann::ordered_json EnvsRow::json() const {
  return {{"work", work},         {"peer", peer},
          {"mode", "envs"},       {"precision", "f64"},
          {"threads", threads},   {"median_us", 1e6 / steps_per_s},
          {"min_us", 1e6 / most}, {"max_us", 1e6 / least},
          {"ratio", ratio},       {"peak_percent", nullptr},
          {"num_envs", num_envs}, {"steps_per_s", steps_per_s}};
}

std::string EnvsRow::header() {
  return fmt::format("{:<23} {:<17} {:>8} {:>7} {:>11} {:>11} {:>11} {:>7}",
                     "work", "peer", "num_envs", "threads", "steps/s", "min",
                     "max", "ratio");
}

std::string EnvsRow::text() const {
  return fmt::format(
      "{:<23} {:<17} {:>8} {:>7} {:>11.0f} {:>11.0f} {:>11.0f} {:>7.2f}", work,
      peer, num_envs, threads, steps_per_s, least, most, ratio);
}

void bench_envs(const EnvsBench &wanted,
                const std::function<void(const EnvsRow &)> &add) {
  for (const std::string &task : bench::bare_tasks()) {
    if (task == "HalfCheetah-v5")
      Group(wanted, task, 1, 1).measure(add);
    for (const int num_envs : {8, 64})
      Group(wanted, task, num_envs, wanted.threads).measure(add);
  }
}

} // namespace phlox::tools
