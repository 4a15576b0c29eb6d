#include "rl/algorithms/mirror.h"
#include "rl/algorithms/flow_policy.h"
#include <cmath>
#include <fmt/format.h>
#include <tuple>

namespace phlox::rl {

void MirrorSettings::visit(Settings &s) {
  s.choice("weights", weights, {"softmax", "clipped"},
           "of candidates: softmax of Q / alpha per state, or as published "
           "exp of normalised, clipped Q / alpha");
  s.choice("candidates", candidates, {"averaged", "target"},
           "samples of the averaged policy, or as published the target's "
           "action alone");
  s.choice("q_norm", q_norm, {"fixed", "published"},
           "clipped weights: (Q - mean) / std, or Q - mean / std");
  s.real("candidate_noise", candidate_noise, 0, 1e3,
         "standard deviation of the noise on candidates");
  s.real("kl_target", kl_target, 0, 1e3,
         "softmax weights: distance from equal ones that a trained "
         "temperature keeps, nats; clipped ones have entropy_std and "
         "target_entropy_scale instead");
  s.real("q_clip", q_clip, 0, 1e6, "clipped weights: largest normalised Q");
  s.real("moment_rate", moment_rate, 0, 1,
         "clipped weights: step of Q's running moments");
  s.integer("resampled", resampled, 0, 64,
            "softmax weights: actions drawn by weight per state, 0: all, "
            "weighted");
}

void MirrorSettings::check(const SampledSettings &sampled,
                           const TemperatureSettings &temperature) const {
  if (weights != "softmax")
    return;
  if (candidates == "target")
    throw SettingsError("key 'weights' must be 'clipped' for candidates "
                        "'target', one action that has no other to compare "
                        "with: got 'softmax'");
  if (sampled.proposals < 2)
    throw SettingsError(fmt::format(
        "key 'proposals' must be 2 or more for softmax weights: got {}",
        sampled.proposals));
  const double most = std::log(static_cast<double>(sampled.proposals));
  if (kl_target >= most)
    throw SettingsError(fmt::format(
        "key 'kl_target' must be below ln proposals = {:.4g}: got {}", most,
        kl_target));
  if (const auto goal = temperature.target_entropy;
      goal && !(*goal > 0 && *goal < most))
    throw SettingsError(fmt::format(
        "key 'target_entropy', of softmax weights, must be between 0 and ln "
        "proposals = {:.4g}: got {}",
        most, *goal));
  const std::tuple<const char *, double, double> unread[] = {
      {"entropy_std", sampled.entropy_std, SampledSettings().entropy_std},
      {"target_entropy_scale", temperature.target_entropy_scale,
       TemperatureSettings().target_entropy_scale}};
  const MirrorSettings own;
  for (const auto &[key, is_own] :
       {std::pair("q_norm", q_norm == own.q_norm),
        {"q_clip", q_clip == own.q_clip},
        {"moment_rate", moment_rate == own.moment_rate}})
    if (!is_own)
      throw SettingsError(fmt::format("key '{}' must stay at its default for "
                                      "softmax weights: got another value",
                                      key));
  for (const auto &[key, value, fallback] : unread)
    if (value != fallback)
      throw SettingsError(fmt::format(
          "key '{}' must stay at {} for softmax weights, whose own entropy "
          "trains the temperature (kl_target): got {}",
          key, fallback, value));
}

void MirrorSettings::set_goal(TemperatureSettings &temperature,
                              int64_t proposals) const {
  if (weights == "softmax" && !temperature.target_entropy)
    temperature.target_entropy =
        std::log(static_cast<double>(proposals)) - kl_target;
}

Mirror::Mirror(Program &program, const MirrorSettings &settings)
    : settings_(settings) {
  if (settings.weights == "clipped") {
    mean_ = program.leaf("q_mean", {});
    std_ = program.leaf("q_std", {});
  }
}

void Mirror::init(Entry &entry) const {
  if (settings_.weights == "clipped") {
    entry.write(mean_, 0);
    entry.write(std_, 1);
  }
}

Tensor Mirror::clipped_weights(Entry &entry, const Learner &learner,
                               const Tensor &q, Losses &losses) const {
  const MirrorSettings &s = settings_;
  Tensor centre = entry.read(mean_), spread = entry.read(std_);
  Tensor normal = s.q_norm == "fixed" ? (q - centre) / spread
                                      : q - centre / spread; // as published
  // the moments of this batch count from the next one on
  Tensor now = mean(q), deviation = sqrt(mean(square(q - now)));
  auto follow = [&](const Leaf &leaf, const Tensor &from, const Tensor &to) {
    Tensor next = from + s.moment_rate * (to - from);
    losses.leaves.emplace_back(leaf, stopgradient(next));
  };
  follow(mean_, centre, now);
  follow(std_, spread, deviation);
  return stopgradient(exp(clip(normal, -s.q_clip, s.q_clip) /
                          learner.temperature().value(entry)));
}

MirrorStep Mirror::step(Entry &entry, const Learner &learner,
                        const SampledSettings &sampled, const DrawActions &old,
                        const Transitions &batch, const Key &key,
                        Losses &losses) const {
  const MirrorSettings &s = settings_;
  int64_t rows = batch.obs.extent(0), size = learner.env().action_size;
  MirrorStep step;
  int64_t count = s.candidates == "target" ? 1 : sampled.proposals;
  if (s.candidates == "target") {
    step.obs = batch.next_obs;
    step.actions = expand(losses.action, 1);
  } else {
    step.obs = batch.obs;
    step.actions = old(batch.obs, {rows, count, size}, key, "candidates");
    if (s.candidate_noise > 0)
      step.actions = clip(
          step.actions + s.candidate_noise *
                             key.normal("candidate_noise", {rows, count, size}),
          -1, 1);
  }
  step.actions = stopgradient(step.actions);
  Tensor q = learner.score(entry, step.obs, step.actions); // (B, K)
  if (s.weights == "clipped") {
    step.weights = clipped_weights(entry, learner, q, losses);
    Tensor all = reshape(step.weights, {1, rows * count});
    step.shares = all / sum(all);
    return step;
  }
  Tensor log_w = q / learner.temperature().value(entry);
  step.shares = stopgradient(softmax(log_w, 1));
  losses.entropy =
      stopgradient(logsumexp(log_w, 1) - sum(step.shares * log_w, 1));
  if (s.resampled == 0) {
    step.weights = step.shares * static_cast<double>(count);
    return step;
  }
  step.actions = resample(step.actions, step.shares, s.resampled, key);
  step.weights = fill(step.shares, {rows, s.resampled}, 1);
  return step;
}

Tensor weighted_mean(const MirrorStep &step, const Tensor &errors) {
  return mean(expand(step.weights, 2) * square(errors));
}

} // namespace phlox::rl
