// Returns as a distribution over fixed values, instead of one number.
#pragma once
#include "rl/algorithms/critic.h"
#include "rl/algorithms/settings.h"

namespace phlox::rl {

/// Evenly spaced values that a distribution of returns lives on.
struct Atoms {
  int64_t count = 101;
  double least = -1600, most = 1600;
  /// Adds the keys atoms, value_least and value_most.
  void visit(Settings &settings);
  /// Throws SettingsError if the values are not in order.
  void check() const;
  double spacing() const;
  /// Returns the values (N).
  Tensor values(Trace &trace) const;
  /// Makes critics give N logits, read by the mean of their softmax.
  CriticHead head() const;
  /// Returns the mean of distributions.
  ///
  /// Shapes:  probabilities (..., N) -> (...).
  Tensor mean_of(const Tensor &probabilities) const;
  /// Moves probability that lies anywhere to the atoms: each share is split
  /// between its two neighbours so that the mean stays, after clipping places
  /// to the range of atoms.
  ///
  /// Shapes:  probabilities, places (B, N) -> (B, N).
  /// Source:  Bellemare, Dabney and Munos 2017, equation 7.
  Tensor project(const Tensor &probabilities, const Tensor &places) const;
};

/// Returns the distribution of returns after a step: that of a target critic at
/// the next state and action, its values moved to reward + going (value +
/// bonus); of the critic that then expects less, or the mean of both.
///
/// Shapes:  going, bonus (B); next_action (B, A) -> (B, N), without gradient.
Tensor categorical_target(const Atoms &atoms, const TwinCritic &target,
                          const std::vector<Tensor> &parameters,
                          const Transitions &batch, const Tensor &next_action,
                          const Tensor &going, const Tensor &bonus,
                          bool mean_of_both);

/// Fits both critics' distributions to one by cross-entropy.
///
/// Shapes:  obs (B, O), action (B, A), target (B, N), without gradient.
CriticLoss categorical_loss(const Atoms &atoms, const TwinCritic &critic,
                            const std::vector<Tensor> &parameters,
                            const Tensor &obs, const Tensor &action,
                            const Tensor &target);

} // namespace phlox::rl
