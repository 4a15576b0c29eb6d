// Long tables as lines that a page can carry.
#pragma once
#include "tools/report/chart.h"
#include "tools/report/group.h"
#include <algorithm>
#include <cmath>

namespace phlox::report {

/// Returns how many points a line may have, so that many runs still make a page
/// that a phone can open.
inline std::size_t points_per_line(const std::vector<Group> &groups) {
  std::size_t runs = 0;
  for (const Group &group : groups)
    runs += group.runs.size();
  return std::clamp<std::size_t>(4000 / std::max<std::size_t>(runs, 1), 80,
                                 500);
}

/// Takes every k-th row and the last one, values as they are; leading rows
/// without a value are left out. Returns k.
inline std::size_t thin(const std::vector<double> &x,
                        const std::vector<double> &y, std::size_t most,
                        Series &series) {
  std::size_t first = 0;
  while (first < y.size() && std::isnan(y[first]))
    first++;
  const std::size_t every =
      std::max<std::size_t>(1, (y.size() - first + most - 1) / most);
  for (std::size_t i = first; i < y.size(); i += every) {
    series.x.push_back(x[i]);
    series.y.push_back(y[i]);
  }
  if (every > 1 && first < y.size() && (y.size() - 1 - first) % every != 0) {
    series.x.push_back(x.back());
    series.y.push_back(y.back());
  }
  return every;
}

} // namespace phlox::report
