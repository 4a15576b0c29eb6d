// Two critics that are trained alike and read by their smaller value.
#pragma once
#include "rl/algorithms/networks.h"

namespace phlox::rl {

/// What a critic's last layer gives, and how a value is read from it.
struct CriticHead {
  int64_t outputs = 1;
  /// (B, ..., outputs) -> (B, ...); none: the one output is the value.
  std::function<Tensor(const Tensor &)> value;
};

/// Leaves NAME/0/... and NAME/1/...
class TwinCritic {
public:
  TwinCritic() = default;
  TwinCritic(Program &program, const std::string &name, int64_t obs_size,
             int64_t action_size, const Shape &shape,
             const CriticHead &head = {});
  TwinCritic copy(Program &program, const std::string &name) const;
  void init(Entry &entry, const Key &key) const;
  void assign(Entry &entry, const TwinCritic &other) const;

  /// Both networks' leaves, the first one's first.
  const Parameters &parameters() const { return parameters_; }
  /// Returns one critic's values.
  ///
  /// Shapes:  obs (B, O); action (B, ..., A) -> (B, ...).
  Tensor value(int which, const std::vector<Tensor> &parameters,
               const Tensor &obs, const Tensor &action) const;
  /// Returns what one critic's last layer gives.
  ///
  /// Shapes:  obs (B, O); action (B, ..., A) -> (B, ..., outputs).
  Tensor outputs(int which, const std::vector<Tensor> &parameters,
                 const Tensor &obs, const Tensor &action) const;
  /// Returns the smaller of both critics' values.
  Tensor least(const std::vector<Tensor> &parameters, const Tensor &obs,
               const Tensor &action) const;
  /// Returns the mean of both critics' values.
  Tensor middle(const std::vector<Tensor> &parameters, const Tensor &obs,
                const Tensor &action) const;

private:
  Mlp critics_[2];
  CriticHead head_;
  Parameters parameters_;
};

/// What regressing both critics on a target gives.
struct CriticLoss {
  Tensor values[2];          ///< (B) each
  Tensor losses[2];          ///< mean squared error of each, ()
  std::vector<Tensor> grads; ///< of their sum, as the parameters
};

/// Regresses both critics on `target`, which carries no gradient.
///
/// Shapes:  obs (B, O), action (B, A), target (B).
CriticLoss critic_loss(const TwinCritic &critic,
                       const std::vector<Tensor> &parameters, const Tensor &obs,
                       const Tensor &action, const Tensor &target);

/// One transition per row, as stored; reward is already scaled.
struct Transitions {
  Tensor obs, action, reward, next_obs, terminated;
};

/// Adds the inputs of an off-policy update; scales the reward.
Transitions read_transitions(Entry &entry, int64_t batch, int64_t obs_size,
                             int64_t action_size, double reward_scale);

/// Returns what critics regress on: reward plus the discounted soft value of
/// the next state, none where the task ended.
///
/// Shapes:  next_value, entropy (B), alpha () -> (B), without gradient.
/// Units:   entropy in nats per action vector, -log pi(a'|s').
/// Source:  Haarnoja et al. 2018; sign = +1 makes entropy a bonus.
Tensor soft_target(const Transitions &batch, const Tensor &next_value,
                   const Tensor &entropy, const Tensor &alpha, double discount,
                   double sign);

} // namespace phlox::rl
