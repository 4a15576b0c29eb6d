// From data to the plane of a drawing, and where the marks of an axis lie.
#pragma once
#include <cmath>
#include <limits>
#include <vector>

namespace phlox::report {

/// The smallest range that holds what it was shown.
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  bool empty() const { return !(low <= high); }
  void add(double value) {
    if (!std::isfinite(value))
      return;
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  /// Widens the range by a share on both sides; a point becomes a range.
  void pad(double share) {
    double by = (high - low) * share;
    if (!(high > low))
      by = high == 0 ? 1 : std::abs(high) * 0.1;
    low -= by;
    high += by;
  }
};

/// Returns round numbers in a range, about `count` of them: 1, 2 or 5 times a
/// power of ten apart.
inline std::vector<double> ticks(const Range &range, int count) {
  std::vector<double> marks;
  const double rough = (range.high - range.low) / count;
  if (!(rough > 0) || !std::isfinite(rough))
    return marks;
  const double unit = std::pow(10, std::floor(std::log10(rough)));
  const double ratio = rough / unit;
  const double step = unit * (ratio < 1.5   ? 1
                              : ratio < 3.5 ? 2
                              : ratio < 7.5 ? 5
                                            : 10);
  const double first = std::ceil(range.low / step);
  for (int i = 0; (first + i) * step <= range.high && i < 3 * count; i++)
    marks.push_back((first + i) * step);
  return marks;
}

} // namespace phlox::report
