// QVPO: Q-weighted variational policy optimisation. A diffusion policy fitted
// to its own best samples, each by how much better than the average it is.
// Paper: arXiv 2405.16173.
// Time: t = 0 noise, t = 1 action; x_t = signal(t) a + noise(t) e on the cosine
// path of unit variance (diffusion.h), the paper's time turned round.
// Shapes: B batch, O observation, A action, K proposals, U uniform actions.
//
//     y    = r + discount min Q'(s', a'), a' the best of target_particles
//     L_Q  = sum over both critics of mean (Q(s, a) - y)^2
//     a_k  = samples of the policy, a* the one of largest min Q
//     w    = min Q(s, a*) - mean_k min Q(s, a_k)  >= 0
//     L_pi = mean over a* and U uniform actions a_u of
//            c (eps(s, x_t, t) - e)^2, c = w for a*, entropy_coef w for a_u
//
// The weight bounds a policy improvement from below: a variational objective
// whose weights must not be negative, which the best of K is never. Uniform
// actions keep the policy from narrowing to a point: they raise its entropy
// without its density. There is no temperature.
// Deviations from typoverflow/flow-rl@bae22f4, each with its test in
// qvpo_test.cpp:
//  1. uniform actions are drawn from the whole box [-1, 1]; the code draws from
//     [0, 1]: UniformOnTheBox
//  2. samples are ranked by the smaller critic, in weights and target; the code
//     takes the mean of both in weights, and ranks the target's by the target
//     critics: RankedBySmaller
//  3. acting to learn ranks as the target does, the paper's efficient behaviour
//     policy; the code takes a plain sample: BehaviourRanks
//  4. critics before their step in weights and policy: OnePoint
#include "rl/algorithms/denoiser_program.h"
#include "rl/algorithms/diffusion.h"

namespace phlox::rl::qvpo {
namespace {

struct Config {
  LearnerSettings learner;
  SampledSettings sampled;
  DenoiserSettings denoiser;
  double entropy_coef = 0.01, uniform_least = -1;
  int64_t uniform_actions = 10; // per state, as there
  std::string embedding = "fourier", rank_by = "least";

  Config() {
    learner.soft = false;
    learner.actor_rate = {3e-4, 3e-4, 0, 0};
    sampled.tempered = false;
    sampled.proposals = 64;
    sampled.least_proposals = 2; // one is as good as their mean
    sampled.particles = 32;
    sampled.sample_particles = sampled.target_particles = 2;
  }
  void visit(Settings &s) {
    learner.visit(s);
    sampled.visit(s);
    denoiser.visit(s);
    s.real("entropy_coef", entropy_coef, 0, 1e6,
           "weight of uniform actions, in that of the best sample");
    s.integer("uniform_actions", uniform_actions, 1, 1024,
              "uniform actions per state");
    s.real("uniform_least", uniform_least, -1, 1,
           "least uniform action; 0 as published code");
    s.choice("rank_by", rank_by, {"least", "mean"},
             "samples are weighed by the smaller critic, or as published by "
             "the mean of both");
    s.choice("embedding", embedding, {"fourier", "sin1", "sin1000"},
             "how the network reads times");
  }
};

using Model = DenoiserModel<Config>;

// the best of K samples, and how much better than their mean it is
struct Best {
  Tensor action; // (B, A)
  Tensor weight; // (B), 0 or more
};

Best best_sample(Entry &e, const Model &m, const Tensor &obs, const Key &key) {
  const Config &c = m.config;
  auto actor = m.actor.network.mlp().parameters().read(e);
  Tensor samples = denoiser_policy(c.denoiser, m.actor.network, actor)(
      obs, {obs.extent(0), c.sampled.proposals, m.learner.env().action_size},
      key,
      "proposal"); // (B, K, A)
  Tensor q;        // (B, K)
  if (c.rank_by == "least") {
    q = m.learner.score(e, obs, samples);
  } else {
    const TwinCritic &critic = m.learner.critic();
    auto parameters = critic.parameters().read(e);
    q = 0.5 * (critic.value(0, parameters, obs, samples) +
               critic.value(1, parameters, obs, samples));
  }
  return {stopgradient(best_candidate(samples, q)),
          stopgradient(amax(q, 1) - mean(q, 1))};
}

// denoising of the best samples and of uniform actions, all rows alike
ActorLoss policy_loss(Entry &e, const Model &m, const Tensor &obs,
                      const Best &best, const Key &key) {
  const Config &c = m.config;
  int64_t rows = obs.extent(0), size = m.learner.env().action_size,
          count = c.uniform_actions;
  Tensor uniform =
      c.uniform_least +
      (1 - c.uniform_least) * key.uniform("uniform", {rows, count, size});
  Tensor actions = concat({expand(best.action, 1), uniform}, 1); // (B, 1+U, A)
  Tensor w = expand(best.weight, 1);                             // (B, 1)
  Tensor weights = concat({w, broadcast(w * c.entropy_coef, {rows, count})}, 1);
  auto parameters = m.actor.network.mlp().parameters().read(e);
  NoisyPoint point = noisy_point(c.denoiser, actions, key);
  Tensor eps = m.actor.network(parameters, obs, point.x, {point.t});
  Tensor loss = mean(expand(weights, 2) * square(eps - point.noise));
  return {loss, grad(loss, parameters)};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  const Config &c = m.config;
  auto average = m.actor.average.mlp().parameters().read(e);
  Losses losses = begin_step(
      e, m.learner, c.sampled,
      denoiser_policy(c.denoiser, m.actor.average, average), batch, key);

  // the best of new samples, by the critics before their step
  Best best = best_sample(e, m, batch.obs, key);
  losses.actor = policy_loss(e, m, batch.obs, best, key);

  m.learner.report(e, "losses/denoise_loss", losses.actor.loss);
  m.learner.report(e, "losses/advantage_mean", mean(best.weight));
  m.learner.update(e, losses);
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  return denoiser_program("qvpo", env, read_settings<Config>(json), acting,
                          train_step);
}

const nlohmann::json published = {
    {"uniform_least", 0.},         {"rank_by", "mean"},
    {"sample_particles", 1},       {"actor.hidden", {256, 256}},
    {"critic.hidden", {256, 256}}, {"critic.activation", "relu"}};

const Registration registration({"qvpo",
                                 "diffusion policy, fitted to its best samples",
                                 schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::qvpo
