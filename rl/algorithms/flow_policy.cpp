#include "rl/algorithms/flow_policy.h"
#include <cmath>
#include <fmt/format.h>

namespace phlox::rl {

void FlowSettings::visit(Settings &s, Settings::Choices embeddings,
                         Settings::Choices estimators) {
  s.integer("proposals", proposals, 2, 1 << 20, // one weighs 1, whatever Q
            "clean actions drawn per state in reverse sampling");
  s.integer("particles", particles, 1, 1 << 20,
            "candidates ranked by the critics when acting and evaluating");
  s.integer("target_particles", target_particles, 1, 1 << 20,
            "candidates ranked by the critics in the target");
  s.real("base_std", base_std, 1e-6, 1e6,
         "standard deviation of the noise at t = 0");
  s.optional_real("density_std", density_std, 1e-6, 1e6,
                  "base_std of the density alone, as published code");
  s.real("noise_scale", noise_scale, 0, 1e6,
         "exploration noise: this times the temperature");
  if (!squashed)
    s.flag("rank_clipped", rank_clipped, "clip particles before ranking them");
  s.choice("embedding", embedding, embeddings, "how the network reads times");
  entropy.visit(s, estimators);
}

void FlowSettings::visit_path(Settings &s) {
  s.optional_real("path_std", path_std, 1e-6, 1e6,
                  "base_std of path and bounds alone, as published code");
  s.real("time_min", time_min, 1e-6, 1, "least time of the regression");
  s.real("time_max", time_max, 0, 1 - 1e-6, "largest time of the regression");
  s.flag("clip_path", clip_path, "clip noisy actions to the box");
  s.choice("weight_temperature", weight_temperature, {"alpha", "exp"},
           "temperature of the weights: alpha, or as published e^alpha, which "
           "is above 1; a fixed alpha is taken as it is");
  s.optional_real("weight_floor", weight_floor, 0, 1e6,
                  "least temperature of the weights alone, as published code");
  s.choice("weights_critic", weights_critic, {"before", "after"},
           "critics of the weights: before, or as published after their step");
  s.choice("truncnorm", truncnorm, {"two_sided", "one_sided"},
           "inverse of the proposals' truncated normal: in the nearer tail, or "
           "as published from below, which far out gives interval ends");
  s.choice("entropy.sample", entropy_sample, {"action", "own"},
           "whose entropy: of the target's action, or as published of another "
           "sample from noise of density_std");
  s.flag("target_noise", target_noise,
         "exploration noise on the target's action too, as published code");
  s.flag("clip_noise", clip_noise,
         "clip actions after exploration noise; the trainer clips what the "
         "environment gets in any case");
  s.choice("fixed_alpha_noise", fixed_alpha_noise, {"alpha", "constant"},
           "exploration noise if alpha.fixed, in units of noise_scale: alpha, "
           "or as published e^0.1, in evaluation too, and 0.1 in the target");
}

void FlowSettings::check_path() const {
  if (time_min > time_max)
    throw SettingsError(
        fmt::format("key 'time_min' must be at most 'time_max': got {} and {}",
                    time_min, time_max));
}

FlowActor::FlowActor(Program &program, const EnvSpec &env, int64_t times,
                     const Shape &shape, const std::string &embedding)
    : network(program, "actor", env.obs_size, env.action_size, times, shape,
              embedding),
      average(network.copy(program, "average_actor")) {}

Learner FlowActor::learner(Program &program, const LearnerSettings &settings,
                           const EnvSpec &env) const {
  return {program, settings, env, network.mlp().parameters(),
          average.mlp().parameters()};
}

void FlowActor::init(Entry &entry, const Key &key) const {
  network.mlp().init(entry, key);
  average.mlp().assign(entry, network.mlp());
}

MakeFlow velocity_policy(const FlowNetwork &network,
                         const std::vector<Tensor> &parameters,
                         const std::string &solver) {
  return [=](const Tensor &obs) {
    return velocity_flow(
        [=](const Tensor &x, const Tensor &t) {
          return network(parameters, obs, x, {t});
        },
        solver);
  };
}

Tensor to_box(const FlowSettings &settings, const Tensor &end) {
  return settings.squashed ? tanh(end) : clip(end, -1, 1);
}

PathPoint path_point(const FlowSettings &settings, const Tensor &action,
                     const Tensor &t, const Key &key) {
  Tensor noise = key.normal("path", action.shape());
  Tensor x = t * action + (1 - t) * settings.std_of_path() * noise;
  return {settings.clip_path ? clip(x, -1, 1) : x, t};
}

namespace {

enum class Use { acting, evaluating, target };

// standard deviation of exploration noise; empty for none
Tensor noise_std(Entry &entry, const Learner &learner,
                 const FlowSettings &settings, Use use) {
  if (settings.noise_scale == 0 ||
      (use == Use::target && !settings.target_noise))
    return {};
  const Temperature &temperature = learner.temperature();
  if (temperature.fixed() && settings.fixed_alpha_noise == "constant")
    return entry.scalar((use == Use::target ? 0.1 : std::exp(0.1)) *
                        settings.noise_scale);
  if (use == Use::evaluating)
    return {};
  return temperature.value(entry) * settings.noise_scale;
}

Tensor explore(Entry &entry, const Learner &learner,
               const FlowSettings &settings, const Tensor &action,
               const Key &key, Use use) {
  Tensor std = noise_std(entry, learner, settings, use);
  if (std.empty())
    return action;
  Tensor noisy = action + std * key.normal("exploration", action.shape());
  return settings.clip_noise ? clip(noisy, -1, 1) : noisy;
}

// the best of several ends of paths; clipped before or after the ranking
Tensor best_of(Entry &entry, const Learner &learner,
               const FlowSettings &settings, const Tensor &obs,
               const Tensor &choices, const Tensor &ends) {
  bool moved = settings.squashed || settings.rank_clipped;
  Tensor ranked = moved ? to_box(settings, ends) : ends;
  return best_candidate(choices, learner.score(entry, obs, ranked));
}

} // namespace

FlowSample next_sample(Entry &entry, const Learner &learner,
                       const FlowSettings &settings, const MakeFlow &policy,
                       int64_t steps, const Tensor &obs, const Key &key) {
  Flow flow = policy(obs);
  int64_t rows = obs.extent(0), size = learner.env().action_size;
  Tensor x0;
  if (settings.target_particles > 1) {
    Tensor all = key.normal("base", {rows, settings.target_particles, size}) *
                 settings.base_std;
    x0 = best_of(entry, learner, settings, obs, all,
                 integrate(flow, all, steps));
  } else {
    x0 = key.normal("base", {rows, size}) * settings.base_std;
  }
  bool own = settings.entropy_sample == "own";
  FlowSample sample = sample_with_entropy(
      flow,
      own ? key.normal("entropy_base", x0.shape()) * settings.std_in_density()
          : x0,
      steps, settings.entropy, settings.std_in_density(), key);
  Tensor action =
      stopgradient(own ? integrate(flow, x0, steps) : sample.action);
  if (!settings.squashed)
    return {action, sample.entropy};
  return {tanh(action), sample.entropy + sum(log_tanh_slope(action), -1)};
}

Losses begin_step(Entry &entry, const Learner &learner,
                  const FlowSettings &settings, const MakeFlow &policy,
                  int64_t steps, const Transitions &batch, const Key &key) {
  FlowSample next =
      next_sample(entry, learner, settings, policy, steps, batch.next_obs, key);
  Tensor in_box = settings.squashed ? next.action : clip(next.action, -1, 1);
  in_box = explore(entry, learner, settings, in_box, key, Use::target);
  Losses losses = learner.losses(entry, batch, in_box, next.entropy);
  losses.action = next.action;
  return losses;
}

void add_acting(
    Program &program, const std::vector<int> &acting, const EnvSpec &env,
    const Learner &learner, const FlowSettings &settings, int64_t steps,
    const std::function<Flow(Entry &, const Tensor &obs)> &average) {
  rl::add_acting(program, acting, [&](Entry &e, int64_t rows, bool noisy) {
    Tensor obs = e.input("obs", {rows, env.obs_size});
    Tensor step = e.input("step", {}, Element::count);
    Key key = learner.key(e, noisy ? "sample" : "evaluate", step);
    Extents shape{rows, settings.particles, env.action_size};
    if (settings.particles == 1)
      shape.erase(shape.begin() + 1);
    Tensor x0 = key.normal("base", shape) * settings.base_std;
    Tensor ends = integrate(average(e, obs), x0, steps);
    Tensor action = settings.particles == 1
                        ? ends
                        : best_of(e, learner, settings, obs, ends, ends);
    action = to_box(settings, action);
    e.output("action", explore(e, learner, settings, action, key,
                               noisy ? Use::acting : Use::evaluating));
  });
}

void add_acting(Program &program, const std::vector<int> &acting,
                const EnvSpec &env, const Learner &learner,
                const FlowSettings &settings, const SolverSettings &solver,
                const FlowNetwork &average) {
  add_acting(program, acting, env, learner, settings, solver.steps(),
             [&](Entry &e, const Tensor &obs) {
               auto parameters = average.mlp().parameters().read(e);
               return velocity_policy(average, parameters, solver.solver)(obs);
             });
}

Posterior posterior_at(Entry &entry, const Learner &learner,
                       const FlowSettings &settings, const Losses &losses,
                       const Tensor &obs, const PathPoint &point,
                       const Key &key) {
  const Temperature &temperature = learner.temperature();
  Tensor alpha = temperature.value(entry);
  if (settings.weight_floor)
    alpha = max(alpha, *settings.weight_floor);
  if (settings.weight_temperature == "exp" && !temperature.fixed())
    alpha = exp(alpha);
  auto score = [&](const Tensor &actions) {
    return settings.weights_critic == "before"
               ? learner.score(entry, obs, actions)
               : learner.score_after(entry, losses, obs, actions);
  };
  return reverse_sample(point.x, point.t, alpha, settings.proposals,
                        settings.std_of_path(), key, score,
                        settings.truncnorm == "two_sided"
                            ? ProposalNoise::truncated
                            : ProposalNoise::one_sided);
}

void report_weights(Entry &entry, const Learner &learner,
                    const Tensor &weights) {
  Tensor samples = ess(weights); // (B)
  learner.report(entry, "losses/ess_mean", mean(samples));
  learner.report(entry, "losses/ess_p05", quantile_of(samples, 0.05));
  learner.report(entry, "losses/weight_max", mean(amax(weights, 1)));
}

} // namespace phlox::rl
