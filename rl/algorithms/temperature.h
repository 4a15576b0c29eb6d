// The temperature: reward per nat of entropy, trained towards an entropy goal.
#pragma once
#include "rl/algorithms/optimiser.h"

namespace phlox::rl {

struct TemperatureSettings {
  double initial = 1, floor = 0, target_entropy_scale = 1;
  bool fixed = false;
  int64_t every = 1;
  std::optional<double> target_entropy;
  LearningRate rate;
  void visit(Settings &settings);
  /// Returns the entropy goal in nats per action vector.
  double goal(int64_t action_size) const;
};

/// What one update of the temperature saw.
struct TemperatureLoss {
  Tensor loss; ///< ()
  Tensor grad; ///< of log alpha, ()
};

/// Leaf log_alpha; its Adam unless the temperature is fixed.
class Temperature {
public:
  Temperature() = default;
  Temperature(Program &program, const TemperatureSettings &settings,
              int64_t action_size);
  void init(Entry &entry) const;
  /// Returns max(e^log_alpha, floor), without gradient.
  Tensor value(Entry &entry) const;
  /// Returns 1 where the floor holds the temperature up, else 0.
  Tensor at_floor(Entry &entry) const;
  double goal() const { return goal_; }
  bool fixed() const { return settings_.fixed; }
  /// Gives log_alpha (mean entropy - goal) and its slope: too little entropy
  /// raises alpha.
  TemperatureLoss loss(Entry &entry, const Tensor &mean_entropy) const;
  /// Hands the update to the gate; every `settings.every` steps.
  void step(Entry &entry, Gate &gate, const TemperatureLoss &loss,
            const Tensor &counter) const;

private:
  TemperatureSettings settings_;
  double goal_ = 0;
  Leaf log_alpha_;
  Adam adam_;
};

} // namespace phlox::rl
