#include "rl/algorithms/sampled_policy.h"
#include "rl/algorithms/posterior.h"
#include <cmath>
#include <numbers>

namespace phlox::rl {

void SampledSettings::visit(Settings &s) {
  if (has_proposals)
    s.integer("proposals", proposals, least_proposals, 1 << 20,
              "actions drawn per state in the policy's update");
  s.integer("particles", particles, 1, 1 << 20,
            "candidates ranked by the critics when evaluating");
  s.integer("sample_particles", sample_particles, 1, 1 << 20,
            "candidates ranked by the critics when acting to learn");
  s.integer("target_particles", target_particles, 1, 1 << 20,
            "candidates ranked by the critics in the target");
  if (!tempered)
    return;
  s.real("noise_scale", noise_scale, 0, 1e6,
         "exploration noise: this times the temperature");
  s.flag("target_noise", target_noise,
         "exploration noise on the target's action too, as published code");
  if (!noise_trains)
    return;
  s.real("entropy_std", entropy_std, 1e-6, 1e6,
         "a trained temperature: noise of this times it has the entropy goal");
}

DrawActions denoiser_policy(const DenoiserSettings &settings,
                            const FlowNetwork &network,
                            const std::vector<Tensor> &parameters) {
  return [=](const Tensor &obs, const Extents &shape, const Key &key,
             const std::string &stream) {
    return denoise(
        settings,
        [&](const Tensor &x, const Tensor &t) {
          return network(parameters, obs, x, {t});
        },
        obs, shape, key, stream);
  };
}

Tensor noise_entropy(const Tensor &alpha, double std, int64_t action_size,
                     int64_t rows) {
  auto size = static_cast<double>(action_size);
  double constant =
      size *
      (std::log(std) + std::log(2 * std::numbers::pi * std::numbers::e) / 2);
  return broadcast(log(alpha) * size + constant, {rows});
}

namespace {

// one action per row, the best of several
Tensor draw_best(Entry &e, const Learner &learner, const DrawActions &policy,
                 const Tensor &obs, int64_t particles, const Key &key) {
  int64_t rows = obs.extent(0), size = learner.env().action_size;
  if (particles == 1)
    return policy(obs, {rows, size}, key, "base");
  Tensor all = policy(obs, {rows, particles, size}, key, "base");
  return best_candidate(all, learner.score(e, obs, all));
}

Tensor with_noise(Entry &e, const Learner &learner, const Tensor &action,
                  double scale, const Key &key) {
  if (scale == 0)
    return action;
  Tensor noise = key.normal("exploration", action.shape());
  return clip(action + noise * (learner.temperature().value(e) * scale), -1, 1);
}

} // namespace

Tensor next_action(Entry &entry, const Learner &learner,
                   const SampledSettings &settings, const DrawActions &policy,
                   const Tensor &obs, const Key &key) {
  Tensor next =
      draw_best(entry, learner, policy, obs, settings.target_particles, key);
  if (settings.tempered && settings.target_noise)
    next = with_noise(entry, learner, next, settings.noise_scale, key);
  return stopgradient(next);
}

Losses begin_step(Entry &entry, const Learner &learner,
                  const SampledSettings &settings, const DrawActions &policy,
                  const Transitions &batch, const Key &key) {
  Tensor next =
      next_action(entry, learner, settings, policy, batch.next_obs, key);
  Tensor entropy;
  if (settings.tempered)
    entropy =
        noise_entropy(learner.temperature().value(entry), settings.entropy_std,
                      learner.env().action_size, batch.obs.extent(0));
  return learner.losses(entry, batch, next, entropy);
}

void add_acting(Program &program, const std::vector<int> &acting,
                const EnvSpec &env, const Learner &learner,
                const SampledSettings &settings, const MakeDraw &average) {
  auto act = [&](Entry &e, int64_t rows, bool noisy) {
    Tensor obs = e.input("obs", {rows, env.obs_size});
    Tensor step = e.input("step", {}, Element::count);
    Key key = learner.key(e, noisy ? "sample" : "evaluate", step);
    Tensor action =
        draw_best(e, learner, average(e), obs,
                  noisy ? settings.sample_particles : settings.particles, key);
    if (noisy && settings.tempered)
      action = with_noise(e, learner, action, settings.noise_scale, key);
    e.output("action", action);
  };
  for (int rows : acting) {
    std::string suffix = "_" + std::to_string(rows);
    program.entry("sample" + suffix, [&](Entry &e) { act(e, rows, true); });
    program.entry("evaluate" + suffix, [&](Entry &e) { act(e, rows, false); });
  }
}

} // namespace phlox::rl
