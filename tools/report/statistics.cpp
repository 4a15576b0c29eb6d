#include "tools/report/statistics.h"
#include "rl/replay/threefry.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace phlox::report {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> result(values.begin(), values.end());
  std::sort(result.begin(), result.end());
  return result;
}

// draws units inside their strata and counts how often each came
class Draws {
public:
  Draws(std::span<const Unit> units, std::string_view name)
      : name_(name), weights_(units.size()) {
    for (std::size_t i = 0; i < units.size(); i++)
      strata_[units[i].stratum].push_back(static_cast<int>(i));
  }

  const std::vector<int> &draw(int repetition) {
    const rl::Stream stream(0, name_, static_cast<std::uint64_t>(repetition));
    std::fill(weights_.begin(), weights_.end(), 0);
    std::uint64_t element = 0;
    for (const auto &[ignored, members] : strata_)
      for (std::size_t i = 0; i < members.size(); i++)
        weights_[members[stream.below(element++, members.size())]]++;
    return weights_;
  }

private:
  std::string_view name_;
  std::map<int, std::vector<int>> strata_;
  std::vector<int> weights_;
};

Interval percentiles(std::vector<double> &values) {
  std::sort(values.begin(), values.end());
  return {quantile(values, 0.025), quantile(values, 0.975)};
}

} // namespace

double mean(std::span<const double> values) {
  return values.empty() ? nothing
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

double iqm(std::span<const double> values) {
  const auto all = sorted(values);
  const std::size_t cut = all.size() / 4;
  return mean(std::span(all).subspan(cut, all.size() - 2 * cut));
}

double median(std::span<const double> values) {
  return values.empty() ? nothing : quantile(sorted(values), 0.5);
}

double optimality_gap(std::span<const double> scores) {
  double sum = 0;
  for (double score : scores)
    sum += std::min(score, 1.0);
  return scores.empty() ? nothing
                        : 1 - sum / static_cast<double>(scores.size());
}

double share_above(std::span<const double> values, double threshold) {
  const auto above = std::count_if(values.begin(), values.end(),
                                   [&](double v) { return v > threshold; });
  return values.empty()
             ? nothing
             : static_cast<double>(above) / static_cast<double>(values.size());
}

double improvement(std::span<const double> x, std::span<const double> y) {
  double wins = 0;
  for (double a : x)
    for (double b : y)
      wins += a > b ? 1 : a == b ? 0.5 : 0;
  return wins / (static_cast<double>(x.size()) * static_cast<double>(y.size()));
}

double quantile(std::span<const double> sorted, double q) {
  if (sorted.empty())
    return nothing;
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  if (below + 1 >= sorted.size())
    return sorted.back();
  const double rest = at - static_cast<double>(below);
  return sorted[below] + rest * (sorted[below + 1] - sorted[below]);
}

Sample pool(std::span<const Unit> units) {
  std::vector<std::pair<double, int>> all;
  for (std::size_t i = 0; i < units.size(); i++)
    for (double value : units[i].values)
      all.emplace_back(value, static_cast<int>(i));
  std::sort(all.begin(), all.end());
  Sample sample;
  for (const auto &[value, owner] : all) {
    sample.values.push_back(value);
    sample.owner.push_back(owner);
  }
  return sample;
}

double drawn_iqm(const Sample &sample, std::span<const int> weights) {
  std::int64_t count = 0;
  for (int owner : sample.owner)
    count += weights[owner];
  // the ranks [cut, count - cut) of the drawn values, in order
  const std::int64_t cut = count / 4, last = count - cut;
  std::int64_t rank = 0;
  double sum = 0;
  for (std::size_t i = 0; i < sample.values.size() && rank < last; i++) {
    const std::int64_t next = rank + weights[sample.owner[i]];
    const std::int64_t kept = std::min(next, last) - std::max(rank, cut);
    if (kept > 0)
      sum += static_cast<double>(kept) * sample.values[i];
    rank = next;
  }
  return sum / static_cast<double>(last - cut);
}

double drawn_mean(const Sample &sample, std::span<const int> weights) {
  double sum = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < sample.values.size(); i++) {
    sum += weights[sample.owner[i]] * sample.values[i];
    count += weights[sample.owner[i]];
  }
  return sum / static_cast<double>(count);
}

Interval bootstrap(std::span<const Unit> units, const Statistic &statistic,
                   int repetitions, std::string_view name) {
  const Sample sample = pool(units);
  if (sample.values.empty())
    return {nothing, nothing};
  Draws draws(units, name);
  std::vector<double> results(repetitions);
  for (int r = 0; r < repetitions; r++)
    results[r] = statistic(sample, draws.draw(r));
  return percentiles(results);
}

Profile performance_profile(std::span<const Unit> units,
                            std::vector<double> thresholds,
                            std::string_view name) {
  Profile profile;
  profile.thresholds = std::move(thresholds);
  const std::size_t points = profile.thresholds.size();
  // how many scores of each unit lie above each threshold
  std::vector<std::vector<double>> above(units.size());
  double count = 0;
  for (std::size_t i = 0; i < units.size(); i++) {
    const auto size = static_cast<double>(units[i].values.size());
    count += size;
    for (double t : profile.thresholds)
      above[i].push_back(
          size == 0 ? 0 : std::round(share_above(units[i].values, t) * size));
  }
  for (std::size_t t = 0; t < points; t++) {
    double sum = 0;
    for (const auto &one : above)
      sum += one[t];
    profile.shares.push_back(sum / count);
  }
  if (units.size() < least_runs)
    return profile;
  Draws draws(units, name);
  std::vector<std::vector<double>> drawn(
      points, std::vector<double>(curve_repetitions));
  for (int r = 0; r < curve_repetitions; r++) {
    const auto &weights = draws.draw(r);
    double all = 0;
    for (std::size_t i = 0; i < units.size(); i++)
      all += weights[i] * static_cast<double>(units[i].values.size());
    for (std::size_t t = 0; t < points; t++) {
      double sum = 0;
      for (std::size_t i = 0; i < units.size(); i++)
        sum += weights[i] * above[i][t];
      drawn[t][r] = sum / all;
    }
  }
  for (auto &one : drawn) {
    const Interval interval = percentiles(one);
    profile.low.push_back(interval.low);
    profile.high.push_back(interval.high);
  }
  return profile;
}

} // namespace phlox::report
