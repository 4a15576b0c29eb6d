// How sure a mean is.
#pragma once
#include <span>
#include <utility>

namespace phlox::tools {

inline constexpr int bootstrap_resamples = 10'000;

/// Returns the 95 % percentile bootstrap interval of the mean; the draws are
/// the same every time.
std::pair<double, double> mean_interval(std::span<const double> values);

} // namespace phlox::tools
