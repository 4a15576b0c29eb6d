// What policies that are flows share: settings, noisy actions on the path,
// acting with several particles, and the sample that targets use.
#pragma once
#include "rl/algorithms/flow.h"
#include "rl/algorithms/learner.h"
#include "rl/algorithms/posterior.h"

namespace phlox::rl {

struct FlowSettings {
  int64_t proposals = 100, particles = 32, target_particles = 1;
  double base_std = 0.5, noise_scale = 1;
  std::optional<double> path_std, density_std;
  double time_min = 1e-3, time_max = 0.9946;
  bool clip_path = false, rank_clipped = true;
  // as published code has it; all keys of visit_path
  bool target_noise = false, clip_noise = true;
  std::string fixed_alpha_noise = "alpha", entropy_sample = "action";
  std::string weight_temperature = "alpha", weights_critic = "before";
  std::string truncnorm = "two_sided";
  std::optional<double> weight_floor;
  std::string embedding = "fourier";
  EntropySettings entropy;
  bool squashed = false; // the box by tanh instead of clipping; not a key
  void visit(Settings &settings, Settings::Choices embeddings,
             Settings::Choices estimators);
  /// Adds the keys of a regression at points between noise and stored actions.
  void visit_path(Settings &settings);
  /// Throws SettingsError if its times are not in order.
  void check_path() const;
  double std_of_path() const { return path_std.value_or(base_std); }
  double std_in_density() const { return density_std.value_or(base_std); }
};

/// A policy's network and its moving average, which acts.
struct FlowActor {
  FlowNetwork network, average;
  FlowActor() = default;
  /// Leaves actor/... and average_actor/...; a network of `times` times.
  FlowActor(Program &program, const EnvSpec &env, int64_t times,
            const Shape &shape, const std::string &embedding);
  /// Makes the rest of a learner: critics, temperature, optimisers.
  Learner learner(Program &program, const LearnerSettings &settings,
                  const EnvSpec &env) const;
  void init(Entry &entry, const Key &key) const;
};

/// Makes the flow of a policy at some states.
using MakeFlow = std::function<Flow(const Tensor &obs)>;
/// Follows a network's velocity, by some parameters.
MakeFlow velocity_policy(const FlowNetwork &network,
                         const std::vector<Tensor> &parameters,
                         const std::string &solver);

/// Moves ends of a flow into the box: by clipping, or by tanh.
Tensor to_box(const FlowSettings &settings, const Tensor &end);

/// Noisy actions on the path between noise and the batch's actions.
struct PathPoint {
  Tensor x; ///< (B, A)
  Tensor t; ///< (B, 1)
};

/// Returns x = t action + (1 - t) std e, clipped if the settings say so.
///
/// Shapes:  action (B, A), t (B, 1).
PathPoint path_point(const FlowSettings &settings, const Tensor &action,
                     const Tensor &t, const Key &key);

/// Draws the next action and estimates -log pi there; with several target
/// particles, of the one that critics rank best. A squashed action lies in the
/// box and the density is its own; a clipped one is handed on as it is.
FlowSample next_sample(Entry &entry, const Learner &learner,
                       const FlowSettings &settings, const MakeFlow &policy,
                       int64_t steps, const Tensor &obs, const Key &key);

/// Begins a step: a' and -log pi(a' | s') of the same sample, and the critics'
/// regression for a' in the box.
Losses begin_step(Entry &entry, const Learner &learner,
                  const FlowSettings &settings, const MakeFlow &policy,
                  int64_t steps, const Transitions &batch, const Key &key);

/// Adds the entry points sample_N (noisy) and evaluate_N for each N: the best
/// of the settings' particles, as the critics rank them. `average` makes the
/// flow of the parameters to act with.
void add_acting(Program &program, const std::vector<int> &acting,
                const EnvSpec &env, const Learner &learner,
                const FlowSettings &settings, int64_t steps,
                const std::function<Flow(Entry &, const Tensor &obs)> &average);
/// The same for a velocity that a solver follows.
void add_acting(Program &program, const std::vector<int> &acting,
                const EnvSpec &env, const Learner &learner,
                const FlowSettings &settings, const SolverSettings &solver,
                const FlowNetwork &average);

/// Finds where the flow to pi* goes from a point, by reverse sampling with the
/// critics' scores: those before the step of `losses`, or after it.
Posterior posterior_at(Entry &entry, const Learner &learner,
                       const FlowSettings &settings, const Losses &losses,
                       const Tensor &obs, const PathPoint &point,
                       const Key &key);

/// Adds effective sample size and largest weight to the metrics.
///
/// Shapes:  weights (B, K), sum 1 over K.
void report_weights(Entry &entry, const Learner &learner,
                    const Tensor &weights);

} // namespace phlox::rl
