#include "rl/algorithms/flow_policy.h"
#include <fmt/format.h>

namespace phlox::rl {

void FlowSettings::visit(Settings &s, Settings::Choices embeddings,
                         Settings::Choices estimators) {
  s.integer("proposals", proposals, 1, 1 << 20,
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
  FlowSample sample = sample_with_entropy(flow, x0, steps, settings.entropy,
                                          settings.std_in_density(), key);
  Tensor action = stopgradient(sample.action);
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
    if (noisy && settings.noise_scale > 0) {
      Tensor noise = key.normal("exploration", action.shape());
      Tensor std = learner.temperature().value(e) * settings.noise_scale;
      action = clip(action + std * noise, -1, 1);
    }
    e.output("action", action);
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
                       const FlowSettings &settings, const Tensor &obs,
                       const PathPoint &point, const Key &key) {
  return reverse_sample(point.x, point.t, learner.temperature().value(entry),
                        settings.proposals, settings.std_of_path(), key,
                        [&](const Tensor &actions) {
                          return learner.score(entry, obs, actions);
                        });
}

void report_weights(Entry &entry, const Learner &learner,
                    const Tensor &weights) {
  Tensor samples = ess(weights); // (B)
  learner.report(entry, "losses/ess_mean", mean(samples));
  learner.report(entry, "losses/ess_p05", quantile_of(samples, 0.05));
  learner.report(entry, "losses/weight_max", mean(amax(weights, 1)));
}

} // namespace phlox::rl
