#include "rl/trainer/evaluation.h"
#include "rl/trainer/run_clock.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace phlox::rl {
namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

// row i of a table of n rows
std::vector<double> row_of(std::span<const float> table, int i, int n) {
  const std::size_t width = table.size() / n;
  const auto row = table.subspan(i * width, width);
  return {row.begin(), row.end()};
}

} // namespace

std::string broken_line(std::int64_t count) {
  return fmt::format(
      "{} environment step{} gave numbers that were not finite or beyond "
      "float32: each counts as reward 0 and ends its episode, or begins it "
      "anew",
      count, count == 1 ? "" : "s");
}

double mean_success(const Evaluation &evaluation) {
  return mean_of(evaluation.success);
}

std::vector<double> mean_parts(const Evaluation &evaluation) {
  std::vector<double> means(evaluation.part_names.size());
  for (const std::vector<double> &parts : evaluation.parts)
    for (std::size_t k = 0; k < means.size(); ++k)
      means[k] += parts[k] / static_cast<double>(evaluation.parts.size());
  return means;
}

Summary summarize(std::span<const double> returns) {
  Summary result;
  if (returns.empty())
    return result;
  std::vector<double> sorted(returns.begin(), returns.end());
  std::sort(sorted.begin(), sorted.end());
  result.mean = mean_of(returns);
  result.min = sorted.front();
  result.max = sorted.back();
  std::size_t cut = sorted.size() / 4;
  result.iqm = mean_of(std::span(sorted).subspan(cut, sorted.size() - 2 * cut));
  double squares = 0;
  for (double value : returns)
    squares += (value - result.mean) * (value - result.mean);
  if (returns.size() > 1)
    result.sd = std::sqrt(squares / static_cast<double>(returns.size() - 1));
  return result;
}

std::optional<Evaluation> evaluate(Actor &actor, AnyEnvironment &env,
                                   int episodes, std::uint64_t first_step,
                                   const std::function<bool()> &stop) {
  RunClock clock;
  const int n = env.size();
  if (actor.size() != n)
    throw std::runtime_error(fmt::format(
        "evaluation must have {} environments: got {}", actor.size(), n));
  Evaluation result;
  result.returns.resize(episodes);
  result.lengths.resize(episodes);
  if (!env.success().empty())
    result.success.resize(episodes);
  const auto names = env.reward_part_names();
  result.part_names.assign(names.begin(), names.end());
  result.parts.resize(episodes);
  PartSums sums(n, names.size());
  std::vector<int> finished(n);
  const bool drawable = env.obs_size() <= 2 && env.action_size() <= 2;
  if (drawable) {
    result.first_actions.resize(episodes);
    result.final_obs.resize(episodes);
  }
  std::vector<std::vector<double>> first_action(n); // of the current episodes
  std::vector<float> action(std::size_t(n) * env.action_size());
  env.reset();
  // environment i runs the episodes i, i + n, i + 2 n, ...
  std::int64_t limit =
      std::int64_t(env.max_episode_steps()) * ((episodes + n - 1) / n);
  int left = episodes;
  for (std::int64_t t = 0; left > 0; ++t) {
    if (stop && stop())
      return std::nullopt;
    if (limit > 0 && t >= limit)
      throw std::runtime_error(fmt::format(
          "evaluation must end within {} steps: got {} episodes that go on",
          limit, left));
    actor.act(env.obs(), first_step + static_cast<std::uint64_t>(t), action);
    env.step(action);
    for (int i = 0; drawable && i < n; ++i)
      if (first_action[i].empty())
        first_action[i] = row_of(action, i, n);
    sums.add(env.reward_parts());
    for (int i = 0; i < n; ++i) {
      if (!env.terminated()[i] && !env.truncated()[i])
        continue;
      std::vector<double> parts = sums.take(i);
      std::vector<double> first = std::exchange(first_action[i], {});
      int episode = finished[i]++ * n + i;
      if (episode >= episodes)
        continue;
      result.returns[episode] = env.episode_return()[i];
      result.lengths[episode] = env.episode_length()[i];
      result.parts[episode] = std::move(parts);
      if (!result.success.empty())
        result.success[episode] = env.success()[i];
      if (drawable) {
        result.first_actions[episode] = std::move(first);
        result.final_obs[episode] = row_of(env.next_obs(), i, n);
      }
      --left;
    }
  }
  result.broken = env.sim_warnings();
  result.seconds = clock.here();
  return result;
}

} // namespace phlox::rl
