// What off-policy algorithms with twin critics share: counters, critics with
// targets, temperature if they are soft, and one order of updates.
#pragma once
#include "rl/algorithms/critic.h"
#include "rl/algorithms/optimiser.h"
#include "rl/algorithms/registry.h"
#include "rl/algorithms/temperature.h"

namespace phlox::rl {

struct LearnerSettings {
  int64_t batch = 256, actor_every = 1;
  double discount = 0.99, reward_scale = 1, ema_rate = 0.005;
  int64_t entropy_sign = 1;
  int64_t critic_steps = 1; // Adam's, with one gradient
  Shape actor, critic;
  LearningRate actor_rate, critic_rate;
  TemperatureSettings temperature;
  bool soft = true;        // a temperature, and its keys; not a key
  bool soft_target = true; // entropy in the critics' target; not a key
  CriticHead critic_head;  // not a key
  void visit(Settings &settings);
};

/// What one update of the actor saw.
struct ActorLoss {
  Tensor loss; ///< ()
  std::vector<Tensor> grads;
};

/// An update of a network that is neither actor nor critic, in the actor's
/// turn.
struct OtherLoss {
  const Adam *adam;
  Tensor loss; ///< ()
  std::vector<Tensor> grads;
};

/// What a train step has computed before anything is written.
struct Losses {
  Tensor soft_target; ///< (B)
  Tensor entropy;     ///< (B), of the next action; empty if not soft
  Tensor action;      ///< (B, A), the next action; clipped or not
  CriticLoss critic;
  ActorLoss actor;
  std::vector<OtherLoss> others;
  std::vector<std::pair<Leaf, Tensor>> leaves; ///< new values, every step
};

/// Critics, temperature, counters, and the actor's optimiser.
class Learner {
public:
  Learner() = default;
  /// `actor` are the actor's trained leaves; `average`, which may be empty,
  /// follow them.
  Learner(Program &program, const LearnerSettings &settings, const EnvSpec &env,
          const Parameters &actor, const Parameters &average = {});

  const TwinCritic &critic() const { return critic_; }
  const TwinCritic &target() const { return target_; }
  const Temperature &temperature() const { return temperature_; }
  const EnvSpec &env() const { return env_; }

  /// Makes the key of init and writes all leaves but the actor's.
  Key init(Entry &entry) const;
  /// Makes the key of an entry point: seed leaf with the step leaf, or with the
  /// step that the caller counts.
  Key key(Entry &entry, const std::string &prefix) const;
  Key key(Entry &entry, const std::string &prefix, const Tensor &step) const;
  /// Reads the batch of this update.
  Transitions batch(Entry &entry) const;
  /// Returns what the critics regress on, for the next action and its entropy,
  /// which is not read if the settings are not soft.
  Tensor soft_target(Entry &entry, const Transitions &batch,
                     const Tensor &next_action, const Tensor &entropy) const;
  /// Regresses the critics on it, for a batch; all but the actor's part.
  Losses losses(Entry &entry, const Transitions &batch,
                const Tensor &next_action, const Tensor &entropy = {}) const;
  /// Returns the critics' losses against it.
  CriticLoss critic_loss(Entry &entry, const Transitions &batch,
                         const Tensor &target) const;
  /// Returns min Q of the trained critics.
  Tensor score(Entry &entry, const Tensor &obs, const Tensor &actions) const;
  /// Tells whether the temperature moves in this update; empty if always.
  Tensor temperature_turn(Entry &entry) const;
  /// Returns min Q of the critics after one optimiser step of `losses`.
  Tensor score_after(Entry &entry, const Losses &losses, const Tensor &obs,
                     const Tensor &actions) const;
  /// Updates everything, unless something is not finite, and writes the
  /// metrics that all algorithms have.
  void update(Entry &entry, const Losses &losses) const;
  /// Adds a metric of the actor's update: NaN on the steps that leave the actor
  /// alone, so that nothing it needs is computed there. Call it before
  /// update().
  void report(Entry &entry, std::string name, const Tensor &metric) const;

private:
  // of a soft learner's step, all before it
  struct Entropies {
    Tensor entropy; // ()
    TemperatureLoss loss;
    Tensor alpha, at_floor; // ()
  };
  Entropies entropies(Entry &entry, const Losses &losses) const;

  LearnerSettings settings_;
  EnvSpec env_;
  Parameters actor_, average_;
  Leaf seed_, step_;
  TwinCritic critic_, target_;
  Temperature temperature_;
  Adam actor_adam_, critic_adam_;
};

} // namespace phlox::rl
