// RFM: online RL with a flow policy, trained by reverse flow matching: the
// posterior mean of noise, by values and gradients of the critics together.
// Paper: arXiv 2601.08136.
// Time: t = 0 noise, t = 1 latent action u, action = tanh u;
// x_t = t u + (1 - t) base_std e.
// Shapes: B batch, O observation, A action, K proposals, P particles.
//
//     y     = r + discount min Q'(s', a')
//     L_Q   = sum over both critics of mean (Q(s, a) - y)^2
//     p(u)  = exp(min Q(s, tanh u) / alpha) prod (1 - tanh^2 u)
//     e_k   ~ N(0, 1), u_k = (x - (1 - t) base_std e_k) / t, w_k ~ p(u_k)
//     g_k   = -e_k - (1 - t) base_std / t d/du ln p(u_k)
//     e'    = sum_k w_k (e_k + eta g_k)
//     L_pi  = mean (v(s, x, t) - (x - base_std e') / t)^2
//
// On the path u = (x - (1 - t) base_std e) / t, so the velocity u - base_std e
// is (x - base_std e) / t, and its mean needs the mean noise alone. g is the
// score of the posterior of e, whose mean is 0, so that every eta has one
// expectation; the eta of least variance is taken per row and dimension
// (posterior.h). Its estimate uses the draws that it weighs, a bias of order
// 1 / K. The proposal is not truncated, so few draws count at small t: time_min
// is far from 0.
// The paper's K, number of ranked actions and learning rates are not known
// here; those of the other flow policies stand for them, and alpha is fixed.
// Where the paper leaves a choice, or this file takes another, with its test in
// rfm_test.cpp:
//  1. noisy latents are made of samples of the policy, which the sampler
//     visits, with `path_actions` of stored actions instead: PolicyLatents
//  2. the share of gradients is the one of least variance, not a number; `eta`
//     gives one for all: LeastVariance
//  3. the target takes a plain sample: TargetSample
//  4. critics before their step in weights, gradients and policy: OnePoint
//  5. acting to learn takes a plain sample, only evaluation the best of
//     several: RankedWhenEvaluating
//  6. midpoint steps; Euler's, as published, lose spread: Midpoint
#include "rl/algorithms/flow_policy.h"
#include "rl/algorithms/sampled_policy.h"

namespace phlox::rl::rfm {
namespace {

struct Config {
  LearnerSettings learner;
  SampledSettings sampled;
  SolverSettings solver;
  FlowSettings times; // time_min and time_max alone
  double base_std = 0.5;
  std::string embedding = "fourier", path_actions = "policy";
  std::optional<double> eta;

  Config() {
    learner.soft_target = false;
    learner.reward_scale = 0.2;
    learner.actor_every = 2;
    learner.actor_rate = {3e-4, 3e-5, 25'000, 50'000};
    learner.temperature.initial = 0.1;
    learner.temperature.fixed = true;
    learner.temperature.floor = 1e-3; // against saturated weights
    times.time_min = 0.05;
  }
  void visit(Settings &s) {
    learner.visit(s);
    sampled.visit(s);
    solver.visit(s);
    s.real("time_min", times.time_min, 1e-3, 1, "least time of the regression");
    s.real("time_max", times.time_max, 0, 1 - 1e-6,
           "largest time of the regression");
    s.real("base_std", base_std, 1e-6, 1e6,
           "standard deviation of the noise at t = 0");
    s.choice("embedding", embedding, {"fourier", "sin1", "sin1000"},
             "how the network reads times");
    s.choice("path_actions", path_actions, {"policy", "stored"},
             "what noisy latents are made of: samples of the policy, or the "
             "replay's actions");
    s.optional_real("eta", eta, -1e6, 1e6,
                    "share of gradients in the mean noise, instead of the one "
                    "of least variance");
  }
  void check() const {
    solver.check();
    times.check_path();
    // the critics' values need two to compare, their gradients a share
    if (sampled.proposals == 1 && eta.value_or(0) == 0)
      throw SettingsError("key 'proposals' must be 2 or more where 'eta' is "
                          "unset or 0: got 1");
  }
};

struct Model {
  Config config;
  FlowActor actor; // v(obs, x, t)
  Learner learner;
};

// latents of the flow under some parameters
DrawActions latents_with(const Config &config, const FlowNetwork &network,
                         const std::vector<Tensor> &parameters) {
  return [=](const Tensor &obs, const Extents &shape, const Key &key,
             const std::string &stream) {
    Flow flow = velocity_policy(network, parameters, config.solver.solver)(obs);
    return integrate(flow, key.normal(stream, shape) * config.base_std,
                     config.solver.steps());
  };
}

DrawActions draw_with(const Config &config, const FlowNetwork &network,
                      const std::vector<Tensor> &parameters) {
  DrawActions latents = latents_with(config, network, parameters);
  return [=](const Tensor &obs, const Extents &shape, const Key &key,
             const std::string &stream) {
    return tanh(latents(obs, shape, key, stream));
  };
}

// t ~ U(time_min, time_max) per row, x on the path to a latent action
PathPoint draw_point(Entry &e, const Model &m, const Transitions &batch,
                     const Key &key) {
  const Config &c = m.config;
  Tensor latent;
  if (c.path_actions == "stored") {
    Tensor a = clip(batch.action, -0.999, 0.999); // where tanh has an inverse
    latent = 0.5 * log((1 + a) / (1 - a));
  } else {
    auto actor = m.actor.network.mlp().parameters().read(e);
    latent = stopgradient(latents_with(c, m.actor.network, actor)(
        batch.obs, batch.action.shape(), key, "policy_base"));
  }
  Tensor u = key.uniform("time", {batch.obs.extent(0), 1});
  Tensor t = c.times.time_min + (c.times.time_max - c.times.time_min) * u;
  Tensor noise = key.normal("path", latent.shape());
  return {t * latent + (1 - t) * c.base_std * noise, t};
}

ActorLoss policy_loss(Entry &e, const Model &m, const Tensor &obs,
                      const PathPoint &point,
                      const LatentPosterior &posterior) {
  auto parameters = m.actor.network.mlp().parameters().read(e);
  Tensor v = m.actor.network(parameters, obs, point.x, {point.t}); // (B, A)
  Tensor loss = mean(square(v - posterior.velocity));
  return {loss, grad(loss, parameters)};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  const Config &c = m.config;
  auto actor = m.actor.network.mlp().parameters().read(e);
  Losses losses = begin_step(e, m.learner, c.sampled,
                             draw_with(c, m.actor.network, actor), batch, key);

  // the mean noise by the critics before their step
  PathPoint point = draw_point(e, m, batch, key);
  LatentPosterior posterior = latent_posterior(
      point.x, point.t, m.learner.temperature().value(e), c.sampled.proposals,
      c.base_std, key,
      [&](const Tensor &actions) {
        return m.learner.score(e, batch.obs, actions);
      },
      c.eta);
  losses.actor = policy_loss(e, m, batch.obs, point, posterior);

  m.learner.report(e, "losses/flow_loss", losses.actor.loss);
  m.learner.report(e, "losses/gradient_share", mean(posterior.share));
  report_weights(e, m.learner, posterior.weights);
  m.learner.update(e, losses);
}

void init(Entry &e, const Model &m) {
  Key key = m.learner.init(e);
  m.actor.init(e, key);
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  auto config = read_settings<Config>(json);
  check_request(env, acting);
  config.check();
  Program program("rfm");
  Model model{config, {}, {}};
  model.actor =
      FlowActor(program, env, 1, config.learner.actor, config.embedding);
  model.learner = model.actor.learner(program, config.learner, env);
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  add_acting(program, acting, env, model.learner, config.sampled,
             [&](Entry &e) {
               return draw_with(config, model.actor.average,
                                model.actor.average.mlp().parameters().read(e));
             });
  return program;
}

// ten Euler steps; other settings of the paper are not known
const nlohmann::json published = {{"solver", "euler"}, {"nfe", 10}};

const Registration registration(
    {"rfm", "flow policy, regression by values and gradients of the critics",
     schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::rfm
