// Mirror descent from samples of an old policy: weights that make them samples
// of old exp(Q / alpha), and the actions to regress a new one on.
#pragma once
#include "rl/algorithms/candidates.h"
#include "rl/algorithms/sampled_policy.h"

namespace phlox::rl {

struct MirrorSettings {
  std::string weights = "softmax";     // or clipped
  std::string candidates = "averaged"; // or target
  std::string q_norm = "fixed";        // or published
  double candidate_noise = 0.2, kl_target = 2;
  double q_clip = 3, moment_rate = 1e-3;
  int64_t resampled = 4;
  void visit(Settings &settings);
  /// Throws SettingsError for keys that exclude each other; what trains the
  /// temperature beside clipped weights must be unset beside softmax ones.
  void check(const SampledSettings &sampled,
             const TemperatureSettings &temperature) const;
  /// Sets the goal of a temperature that is trained by the weights: their
  /// entropy, ln K - kl_target.
  void set_goal(TemperatureSettings &temperature, int64_t proposals) const;
};

/// What a new policy is regressed on.
struct MirrorStep {
  Tensor obs;     ///< (B, O)
  Tensor actions; ///< (B, J, A), without gradient
  Tensor weights; ///< of each one's squared error, in a mean over all (B, J)
  Tensor shares;  ///< what weights were drawn from, sum 1 over K: (B, K) or,
                  ///< over the whole batch, (1, B K)
};

/// Weighs candidates, and keeps running moments of their values if they are
/// weighed by those.
///
///     softmax   w_k = softmax_k (min Q(s, a_k) / alpha), of which `resampled`
///               are drawn, or all taken with their weights
///     clipped   w_k = exp(clip((min Q - mean) / std, -q_clip, q_clip) / alpha)
/// with leaves q_mean and q_std, 0 and 1 at first, that follow the batch's mean
/// and standard deviation by moment_rate in every step. Published
/// code has min Q - mean / std there. Candidates are K samples of the averaged
/// policy with noise, kept in the box, or the target's action at the next
/// state.
class Mirror {
public:
  Mirror() = default;
  Mirror(Program &program, const MirrorSettings &settings);
  void init(Entry &entry) const;
  /// Weighs candidates and hands their entropy, if the temperature follows it,
  /// and the moments to `losses`, which begin_step() began.
  MirrorStep step(Entry &entry, const Learner &learner,
                  const SampledSettings &sampled, const DrawActions &old,
                  const Transitions &batch, const Key &key,
                  Losses &losses) const;

private:
  Tensor clipped_weights(Entry &entry, const Learner &learner, const Tensor &q,
                         Losses &losses) const;
  MirrorSettings settings_;
  Leaf mean_, std_;
};

/// Averages weighted squared errors over all.
///
/// Shapes:  errors (B, J, A), weights (B, J) -> ().
Tensor weighted_mean(const MirrorStep &step, const Tensor &errors);

} // namespace phlox::rl
