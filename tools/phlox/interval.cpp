#include "tools/phlox/interval.h"
#include "rl/replay/threefry.h"
#include <algorithm>
#include <vector>

namespace phlox::tools {

std::pair<double, double> mean_interval(std::span<const double> values) {
  if (values.empty())
    return {0, 0};
  std::vector<double> means(bootstrap_resamples);
  for (std::size_t r = 0; r < means.size(); r++) {
    const rl::Stream stream(0, "bootstrap", r);
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); i++)
      sum += values[stream.below(i, values.size())];
    means[r] = sum / static_cast<double>(values.size());
  }
  std::sort(means.begin(), means.end());
  const std::size_t cut = means.size() / 40; // 2.5 % on each side
  return {means[cut], means[means.size() - 1 - cut]};
}

} // namespace phlox::tools
