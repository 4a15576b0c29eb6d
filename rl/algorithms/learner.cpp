#include "rl/algorithms/learner.h"
#include "rl/algorithms/posterior.h"
#include <limits>

namespace phlox::rl {

void LearnerSettings::visit(Settings &s) {
  s.integer("batch", batch, 1, 1 << 20, "rows of a minibatch");
  s.real("discount", discount, 0, 1, "factor per environment step");
  s.real("reward_scale", reward_scale, -1e6, 1e6,
         "factor on rewards inside the update");
  s.real("ema_rate", ema_rate, 0, 1,
         "step of target critics and averaged actor per update");
  if (soft && soft_target)
    s.integer("entropy_sign", entropy_sign, -1, 1,
              "entropy in the target: 1 bonus, 0 none, -1 as published code");
  s.sizes("actor.hidden", actor.hidden, "widths of the actor's layers");
  s.choice("actor.activation", actor.activation,
           {"relu", "gelu", "mish", "silu", "tanh"}, "actor's activation");
  s.choice("actor.init", actor.init, {"normal", "uniform"},
           "first values: normal of scale 1/sqrt(in) without biases, or all "
           "uniform within 1/sqrt(in)");
  s.choice("actor.norm", actor.norm, {"none", "layer"},
           "normalisation of rows before the actor's activations");
  actor_rate.visit(s, "actor.lr");
  s.integer("actor.every", actor_every, 1, int64_t{1} << 40,
            "updates per update of actor and averages");
  s.sizes("critic.hidden", critic.hidden, "widths of each critic's layers");
  s.choice("critic.activation", critic.activation,
           {"relu", "gelu", "mish", "silu", "tanh"}, "critics' activation");
  s.choice("critic.init", critic.init, {"normal", "uniform"},
           "first values: normal of scale 1/sqrt(in) without biases, or all "
           "uniform within 1/sqrt(in)");
  s.choice("critic.norm", critic.norm, {"none", "layer"},
           "normalisation of rows before the critics' activations");
  critic_rate.visit(s, "critic.lr");
  s.integer("critic.steps", critic_steps, 1, 16,
            "optimiser steps per gradient of the critics; 2 as published code");
  if (soft)
    temperature.visit(s);
}

Learner::Learner(Program &program, const LearnerSettings &settings,
                 const EnvSpec &env, const Parameters &actor,
                 const Parameters &average)
    : settings_(settings), env_(env), actor_(actor), average_(average),
      seed_(program.counter("seed")), step_(program.counter("step")),
      critic_(program, "critic", env.obs_size, env.action_size, settings.critic,
              settings.critic_head),
      target_(critic_.copy(program, "target_critic")),
      temperature_(settings.soft ? Temperature(program, settings.temperature,
                                               env.action_size)
                                 : Temperature()),
      actor_adam_(program, "actor", actor, settings.actor_rate),
      critic_adam_(program, "critic", critic_.parameters(),
                   settings.critic_rate) {}

Key Learner::init(Entry &entry) const {
  Tensor seed = entry.input("seed", {}, Element::count);
  entry.write(seed_, seed);
  entry.write(step_, 0);
  Key key(seed, entry.count(0), "init");
  critic_.init(entry, key);
  target_.assign(entry, critic_);
  if (settings_.soft)
    temperature_.init(entry);
  actor_adam_.init(entry);
  critic_adam_.init(entry);
  return key;
}

Key Learner::key(Entry &entry, const std::string &prefix) const {
  return key(entry, prefix, entry.read(step_));
}

Key Learner::key(Entry &entry, const std::string &prefix,
                 const Tensor &step) const {
  return Key(entry.read(seed_), step, prefix);
}

Transitions Learner::batch(Entry &entry) const {
  return read_transitions(entry, settings_.batch, env_.obs_size,
                          env_.action_size, settings_.reward_scale);
}

Tensor Learner::soft_target(Entry &entry, const Transitions &batch,
                            const Tensor &next_action,
                            const Tensor &entropy) const {
  Tensor value = target_.least(target_.parameters().read(entry), batch.next_obs,
                               next_action);
  if (!settings_.soft || !settings_.soft_target)
    return rl::soft_target(batch, value, {}, {}, settings_.discount, 0);
  return rl::soft_target(batch, value, entropy, temperature_.value(entry),
                         settings_.discount,
                         static_cast<double>(settings_.entropy_sign));
}

Losses Learner::losses(Entry &entry, const Transitions &batch,
                       const Tensor &next_action, const Tensor &entropy) const {
  Losses result;
  result.entropy = entropy;
  result.action = next_action;
  result.soft_target = soft_target(entry, batch, next_action, entropy);
  result.critic = critic_loss(entry, batch, result.soft_target);
  return result;
}

CriticLoss Learner::critic_loss(Entry &entry, const Transitions &batch,
                                const Tensor &target) const {
  return rl::critic_loss(critic_, critic_.parameters().read(entry), batch.obs,
                         batch.action, target);
}

Tensor Learner::score(Entry &entry, const Tensor &obs,
                      const Tensor &actions) const {
  return critic_.least(critic_.parameters().read(entry), obs, actions);
}

Tensor Learner::temperature_turn(Entry &entry) const {
  return every(entry.read(step_), settings_.temperature.every);
}

Tensor Learner::score_after(Entry &entry, const Losses &losses,
                            const Tensor &obs, const Tensor &actions) const {
  Gate unused(entry); // never committed: update() takes the step itself
  return critic_.least(critic_adam_.step(entry, unused, losses.critic.grads),
                       obs, actions);
}

namespace {
// of a metric on steps that do not compute it
constexpr double absent = std::numeric_limits<double>::quiet_NaN();
} // namespace

void Learner::report(Entry &entry, std::string name,
                     const Tensor &metric) const {
  Tensor turn = every(entry.read(step_), settings_.actor_every);
  entry.output(std::move(name),
               turn.empty() ? metric : select(turn, metric, absent));
}

Learner::Entropies Learner::entropies(Entry &entry,
                                      const Losses &losses) const {
  Tensor entropy = mean(losses.entropy);
  return {entropy, temperature_.loss(entry, entropy), temperature_.value(entry),
          temperature_.at_floor(entry)};
}

void Learner::update(Entry &entry, const Losses &losses) const {
  Tensor step = entry.read(step_);
  Tensor actor_turn = every(step, settings_.actor_every);
  // what belongs to the actor counts only in its turn
  auto in_turn = [&](const Tensor &value, const Operand &otherwise) {
    return actor_turn.empty() ? value : select(actor_turn, value, otherwise);
  };
  const CriticLoss &q = losses.critic;
  Tensor critic_norm = norm(q.grads), actor_norm = norm(losses.actor.grads);
  Tensor actor_lr = actor_adam_.rate(entry);
  std::optional<Entropies> soft;
  if (settings_.soft)
    soft = entropies(entry, losses);

  Gate gate(entry);
  for (const Tensor &scalar : {q.losses[0], q.losses[1], critic_norm})
    gate.watch(scalar);
  gate.watch(in_turn(losses.actor.loss + actor_norm, 0));
  for (const OtherLoss &other : losses.others)
    gate.watch(in_turn(other.loss + norm(other.grads), 0));
  // finite parameters, moments and gradients give finite ones: sizes of the new
  // ones would have to wait for them, and the writes for the sizes
  Tensor size = sqrt(square(norm(critic_.parameters().read(entry))) +
                     square(norm(actor_.read(entry))));
  gate.watch(size);
  auto critics =
      critic_adam_.step(entry, gate, q.grads, {}, settings_.critic_steps);
  auto actor = actor_adam_.step(entry, gate, losses.actor.grads, actor_turn);
  if (soft)
    temperature_.step(entry, gate, soft->loss, step);
  for (const OtherLoss &other : losses.others)
    other.adam->step(entry, gate, other.grads, actor_turn);
  for (const auto &[leaf, value] : losses.leaves)
    gate.write(leaf, value);
  average_into(entry, gate, target_.parameters(), critics, settings_.ema_rate,
               actor_turn);
  if (!average_.leaves().empty())
    average_into(entry, gate, average_, actor, settings_.ema_rate, actor_turn);
  gate.write(step_, countadd(step, 1));
  Tensor nonfinite = gate.commit();

  Tensor errors = abs(q.values[0] - losses.soft_target);
  Tensor outside = convert(abs(losses.action) > 0.99, Element::real);
  entry.output("losses/qf1_values", mean(q.values[0]));
  entry.output("losses/qf2_values", mean(q.values[1]));
  entry.output("losses/qf1_loss", q.losses[0]);
  entry.output("losses/qf2_loss", q.losses[1]);
  entry.output("losses/qf_loss", (q.losses[0] + q.losses[1]) * 0.5);
  entry.output("losses/actor_loss", in_turn(losses.actor.loss, absent));
  if (soft) {
    entry.output("losses/alpha", soft->alpha);
    entry.output("losses/alpha_loss", soft->loss.loss);
    entry.output("losses/entropy", soft->entropy);
    entry.output("losses/target_entropy", entry.scalar(temperature_.goal()));
    entry.output("losses/alpha_floor_rate", soft->at_floor);
  }
  entry.output("losses/action_saturation", mean(outside));
  entry.output("losses/soft_target_mean", mean(losses.soft_target));
  entry.output("losses/td_error_p95", quantile_of(errors, 0.95));
  entry.output("losses/grad_norm_actor", in_turn(actor_norm, absent));
  entry.output("losses/grad_norm_critic", critic_norm);
  entry.output("losses/param_norm", size);
  entry.output("charts/learning_rate", actor_lr);
  entry.output("nonfinite", nonfinite);
}

} // namespace phlox::rl
