// What the returns of episodes are made of.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace phlox::rl {

/// Sums the parts of the reward over the running episode of each environment.
class PartSums {
public:
  /// Begins at the start of an episode everywhere.
  PartSums(int num_envs, std::size_t parts)
      : sums_(static_cast<std::size_t>(num_envs) * parts), parts_(parts) {}

  /// Adds the parts of one vector step.
  ///
  /// Shapes:  parts (n, P).
  void add(std::span<const double> parts) {
    for (std::size_t k = 0; k < sums_.size(); ++k)
      sums_[k] += parts[k];
  }

  /// Returns the sums of an episode that ended, and begins the next one.
  std::vector<double> take(int env) {
    const auto from = std::span(sums_).subspan(env * parts_, parts_);
    std::vector<double> sums(from.begin(), from.end());
    std::fill(from.begin(), from.end(), 0);
    return sums;
  }

  /// What a resumed run goes on with. Sums of another size are of another
  /// version: those of the running episodes are then not known, NaN.
  const std::vector<double> &sums() const { return sums_; }
  void restore(const std::vector<double> &sums) {
    if (sums.size() == sums_.size())
      sums_ = sums;
    else
      std::fill(sums_.begin(), sums_.end(),
                std::numeric_limits<double>::quiet_NaN());
  }

private:
  std::vector<double> sums_; // (n, P)
  std::size_t parts_;
};

} // namespace phlox::rl
