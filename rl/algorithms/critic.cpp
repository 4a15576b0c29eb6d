#include "rl/algorithms/critic.h"

namespace phlox::rl {

TwinCritic::TwinCritic(Program &program, const std::string &name,
                       int64_t obs_size, int64_t action_size,
                       const Shape &shape, const CriticHead &head)
    : head_(head) {
  for (int i = 0; i < 2; ++i) {
    critics_[i] = Mlp(program, name + "/" + std::to_string(i),
                      obs_size + action_size, shape, head.outputs);
    parameters_.append(critics_[i].parameters());
  }
}

TwinCritic TwinCritic::copy(Program &program, const std::string &name) const {
  TwinCritic other;
  other.head_ = head_;
  for (int i = 0; i < 2; ++i) {
    other.critics_[i] =
        critics_[i].copy(program, name + "/" + std::to_string(i));
    other.parameters_.append(other.critics_[i].parameters());
  }
  return other;
}

void TwinCritic::init(Entry &entry, const Key &key) const {
  for (const Mlp &critic : critics_)
    critic.init(entry, key);
}

void TwinCritic::assign(Entry &entry, const TwinCritic &other) const {
  for (int i = 0; i < 2; ++i)
    critics_[i].assign(entry, other.critics_[i]);
}

Tensor TwinCritic::outputs(int which, const std::vector<Tensor> &parameters,
                           const Tensor &obs, const Tensor &action) const {
  size_t half = parameters.size() / 2;
  std::vector<Tensor> own(parameters.begin() + (which ? half : 0),
                          which ? parameters.end() : parameters.begin() + half);
  Tensor both = concat({rows_like(obs, action), action}, action.rank() - 1);
  return critics_[which](own, both);
}

Tensor TwinCritic::value(int which, const std::vector<Tensor> &parameters,
                         const Tensor &obs, const Tensor &action) const {
  Tensor given = outputs(which, parameters, obs, action);
  if (head_.value)
    return head_.value(given);
  Extents shape = given.shape(); // (B, ..., 1)
  shape.pop_back();
  return reshape(given, shape);
}

Tensor TwinCritic::least(const std::vector<Tensor> &parameters,
                         const Tensor &obs, const Tensor &action) const {
  return min(value(0, parameters, obs, action),
             value(1, parameters, obs, action));
}

Tensor TwinCritic::middle(const std::vector<Tensor> &parameters,
                          const Tensor &obs, const Tensor &action) const {
  return (value(0, parameters, obs, action) +
          value(1, parameters, obs, action)) /
         2;
}

CriticLoss critic_loss(const TwinCritic &critic,
                       const std::vector<Tensor> &parameters, const Tensor &obs,
                       const Tensor &action, const Tensor &target) {
  CriticLoss result;
  Tensor y = stopgradient(target);
  for (int i = 0; i < 2; ++i) {
    result.values[i] = critic.value(i, parameters, obs, action);
    result.losses[i] = mean(square(result.values[i] - y));
  }
  result.grads = grad(result.losses[0] + result.losses[1], parameters);
  return result;
}

Transitions read_transitions(Entry &entry, int64_t batch, int64_t obs_size,
                             int64_t action_size, double reward_scale) {
  Transitions rows;
  rows.obs = entry.input("obs", {batch, obs_size});
  rows.action = entry.input("action", {batch, action_size});
  rows.reward = entry.input("reward", {batch});
  rows.next_obs = entry.input("next_obs", {batch, obs_size});
  rows.terminated = entry.input("terminated", {batch});
  if (reward_scale != 1)
    rows.reward = rows.reward * reward_scale;
  return rows;
}

Tensor soft_target(const Transitions &batch, const Tensor &next_value,
                   const Tensor &entropy, const Tensor &alpha, double discount,
                   double sign) {
  Tensor soft_value = next_value;
  if (sign != 0)
    soft_value = next_value + alpha * entropy * sign;
  return stopgradient(batch.reward +
                      (1 - batch.terminated) * discount * soft_value);
}

} // namespace phlox::rl
