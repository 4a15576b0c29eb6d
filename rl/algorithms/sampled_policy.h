// What policies share that can be sampled and whose density is not used: how
// many actions are drawn and ranked, exploration noise, the target's action.
#pragma once
#include "rl/algorithms/diffusion.h"
#include "rl/algorithms/learner.h"

namespace phlox::rl {

struct SampledSettings {
  int64_t proposals = 100;     // per state in the policy's update
  int64_t least_proposals = 1; // 2 where they are compared; not a key
  int64_t particles = 10, sample_particles = 1, target_particles = 1;
  double noise_scale = 0, entropy_std = 0.1;
  bool target_noise = false;
  bool tempered = true;      // there is a temperature; not a key
  bool noise_trains = true;  // it, by noise_entropy; not a key
  bool has_proposals = true; // not a key
  void visit(Settings &settings);
};

/// Draws actions of a policy, in the box, as `stream` and streams beginning so.
///
/// Shapes:  obs (B, O) -> shape, (B, A) or (B, P, A).
using DrawActions =
    std::function<Tensor(const Tensor &obs, const Extents &shape,
                         const Key &key, const std::string &stream)>;
/// Makes it inside an entry point, from what leaves hold there.
using MakeDraw = std::function<DrawActions(Entry &)>;

/// Samples a denoiser under some parameters.
DrawActions denoiser_policy(const DenoiserSettings &settings,
                            const FlowNetwork &network,
                            const std::vector<Tensor> &parameters);

/// Returns the entropy of Gaussian noise of `std` times the temperature, one
/// value for all rows: what the temperature is trained by where the policy's
/// own entropy is not known. It makes the temperature fall from its first value
/// to exp(goal / A) / (std sqrt(2 pi e)), whatever the critics say.
///
/// Shapes:  alpha () -> (rows). Units:  nats per action vector.
Tensor noise_entropy(const Tensor &alpha, double std, int64_t action_size,
                     int64_t rows);

/// Draws a' in the box, the best of target_particles, with exploration noise if
/// the settings say so; without gradient.
Tensor next_action(Entry &entry, const Learner &learner,
                   const SampledSettings &settings, const DrawActions &policy,
                   const Tensor &obs, const Key &key);

/// Begins a step: next_action() and the critics' regression for it.
Losses begin_step(Entry &entry, const Learner &learner,
                  const SampledSettings &settings, const DrawActions &policy,
                  const Transitions &batch, const Key &key);

/// Adds the entry points sample_N (best of `sample_particles`, with noise) and
/// evaluate_N (best of `particles`, without) for each N, with the parameters
/// that act.
void add_acting(Program &program, const std::vector<int> &acting,
                const EnvSpec &env, const Learner &learner,
                const SampledSettings &settings, const MakeDraw &average);

} // namespace phlox::rl
