// Statistics of scores as rliable defines them.
//
// Source: Agarwal et al. 2021, Deep reinforcement learning at the edge of the
// statistical precipice, and its library rliable.
#pragma once
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace phlox::report {

inline constexpr int point_repetitions = 50'000; // of intervals of one number
inline constexpr int curve_repetitions = 2'000;  // of bands along a curve
inline constexpr std::size_t least_runs = 3;     // for an interval over runs

struct Interval {
  double low = 0, high = 0;
};

/// Returns the mean of the values; NaN for none.
double mean(std::span<const double> values);
/// Returns the interquartile mean: the mean after cutting floor(n / 4) values
/// from each end; NaN for none.
double iqm(std::span<const double> values);
/// Returns the median, the mean of the middle two for an even count.
double median(std::span<const double> values);
/// Returns 1 - mean(min(score, 1)).
double optimality_gap(std::span<const double> scores);
/// Returns the share of values above a threshold.
double share_above(std::span<const double> values, double threshold);
/// Returns the Mann-Whitney probability that one of `x` is above one of `y`,
/// ties counting half: U / (n m).
double improvement(std::span<const double> x, std::span<const double> y);
/// Returns the q-quantile of sorted values, linear between neighbours.
double quantile(std::span<const double> sorted, double q);

/// What one run brings to a sample: its scores, and the stratum (task) inside
/// which it may be drawn.
struct Unit {
  int stratum = 0;
  std::vector<double> values;
};

/// The scores of all units, sorted, each with the unit it came from.
struct Sample {
  std::vector<double> values;
  std::vector<int> owner;
};
Sample pool(std::span<const Unit> units);

/// A number of a sample in which unit i counts weights[i] times.
using Statistic =
    std::function<double(const Sample &, std::span<const int> weights)>;
/// The interquartile mean of what is drawn.
double drawn_iqm(const Sample &sample, std::span<const int> weights);
/// The mean of what is drawn.
double drawn_mean(const Sample &sample, std::span<const int> weights);

/// Returns the 95 % percentile interval of a stratified bootstrap: units are
/// drawn with replacement inside their stratum, as many as it has. The draws
/// are functions of `name` and count, so that a report can be repeated.
Interval bootstrap(std::span<const Unit> units, const Statistic &statistic,
                   int repetitions, std::string_view name);

/// A performance profile: share of all scores above each threshold, with the
/// interval of each point (over units; empty below least_runs units).
struct Profile {
  std::vector<double> thresholds, shares, low, high;
};
Profile performance_profile(std::span<const Unit> units,
                            std::vector<double> thresholds,
                            std::string_view name);

} // namespace phlox::report
