// Figures that others published, and the scale of normalised scores.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

namespace phlox::report {

/// A return that a paper states for a task.
struct Published {
  const char *env, *label;
  double env_steps, mean, spread; // spread 0: not stated
  const char *source, *protocol;
};

/// Returns the figures for a task; most tasks have none.
std::vector<Published> published(std::string_view env);

/// Returns (value - random) / (reference - random); none for a task without a
/// scale. The scale's version is scale_version.
///
/// Source:  random: uniform actions, 30 to 100 episodes on MuJoCo 4.0.0;
///          reference: ends of FLAME-R's curves in arXiv 2602.01606 at 1M env
///          steps (Humanoid 2M).
std::optional<double> normalised(std::string_view env, double value);
inline constexpr int scale_version = 1;

} // namespace phlox::report
