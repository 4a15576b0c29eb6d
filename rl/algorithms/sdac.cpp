// SDAC: online RL with a diffusion policy, trained by score matching on the
// posterior of clean actions, reweighted by the critics.
// Paper: arXiv 2502.00361.
// Time: t = 0 noise, t = 1 action; x_t = signal(t) a + noise(t) e on the cosine
// path of unit variance (diffusion.h), the paper's time turned round.
// Shapes: B batch, O observation, A action, K proposals, P particles.
//
//     y     = r + discount min Q'(s', a')
//     L_Q   = sum over both critics of mean (Q(s, a) - y)^2
//     e_k   ~ N(0, 1) truncated to where a_k = (x - noise e_k) / signal lies in
//             the box
//     w_k   = softmax_k (min Q(s, a_k) / alpha)
//     L_pi  = mean (eps(s, x, t) - sum_k w_k e_k)^2
//     L     = log alpha (H(N(0, (entropy_std alpha)^2)) - target entropy)
//
// Given x, the noise in it has the density N(e; 0, 1) exp(Q(s, a(e)) / alpha)
// up to a factor if clean actions follow pi* ~ exp(Q / alpha), so the least
// squares solution is E[e | x_t = x], -noise(t) times the score of pi* with
// noise. The critics learn the return alone: the entropy of a diffusion policy
// is not known, and alpha is lowered by the entropy of exploration noise, which
// depends on nothing learned. alpha here is a fifth of the paper's code's,
// which scales Q by 5 in the weights and noise by 0.1 alpha.
// Deviations from mahaitongdae/diffusion_policy_online_rl@a50cf41, each with
// its test in sdac_test.cpp; its 20 noise levels and first noise of half size
// are not reproduced:
//  1. noise is drawn truncated; the code draws N(0, 1) and moves actions that
//     leave the box to its faces, so that noise and action differ:
//     TruncatedNoise
//  2. one regression on the weighted mean, the same gradient as K regressions,
//     summed over K instead of averaged: MeanNoise
//  3. noisy actions are made of stored actions; the code draws new ones of the
//     policy. Both cover what the sampler visits: StoredActions
//  4. the target takes a plain sample; the code the best of 32 with exploration
//     noise, which is another policy's value: TargetSample
//  5. a step adds the forward step's variance; the code what is left when the
//     clean action is known, which halves the variance of narrow policies in 20
//     steps: StepVariance
//  6. critics before their step in weights and policy, all updates of a step at
//     the same parameters: OnePoint
//  7. acting to learn takes a plain sample and noise, only evaluation the best
//     of several; the code ranks 32 always: RankedWhenEvaluating
#include "rl/algorithms/denoiser_program.h"
#include "rl/algorithms/diffusion.h"

namespace phlox::rl::sdac {
namespace {

struct Config {
  LearnerSettings learner;
  SampledSettings sampled;
  DenoiserSettings denoiser;
  std::string embedding = "fourier", proposal_noise = "truncated";
  std::string path_actions = "stored", k_reduction = "sum";

  Config() {
    // command-line defaults there, alpha and its noise in units of this file
    learner.soft_target = false;
    learner.reward_scale = 0.2;
    learner.actor_every = 2;
    learner.actor_rate = {3e-4, 3e-5, 25'000, 50'000};
    learner.temperature.initial = 1;
    learner.temperature.rate = {7e-3, 7e-3, 0, 0};
    learner.temperature.every = 250;
    learner.temperature.floor = 1e-3; // against saturated weights
    learner.temperature.target_entropy_scale = 0.9;
    sampled.proposals = 64;
    sampled.least_proposals = 2;
    sampled.noise_scale = sampled.entropy_std = 0.5;
  }
  void visit(Settings &s) {
    learner.visit(s);
    sampled.visit(s);
    denoiser.visit(s);
    s.choice("embedding", embedding, {"fourier", "sin1", "sin1000"},
             "how the network reads times");
    s.choice("proposal_noise", proposal_noise, {"truncated", "clipped"},
             "noise truncated to the box, or as published its actions clipped");
    s.choice("path_actions", path_actions, {"stored", "policy"},
             "what noisy actions are made of: the replay's actions, or as "
             "published new ones of the policy");
    s.choice("k_reduction", k_reduction, {"sum", "mean"},
             "loss over the proposals: their sum, or as published their mean");
  }
};

using Model = DenoiserModel<Config>;

// the noise that clean actions of pi* ~ exp(Q / alpha) would have left in x
Posterior noise_at(Entry &e, const Model &m, const Tensor &obs,
                   const NoisyPoint &point, const Key &key) {
  const Config &c = m.config;
  return reverse_sample(
      point.x, point.levels, m.learner.temperature().value(e),
      c.sampled.proposals, key,
      [&](const Tensor &actions) { return m.learner.score(e, obs, actions); },
      c.proposal_noise == "truncated" ? ProposalNoise::truncated
                                      : ProposalNoise::clipped);
}

// score matching: K targets share one query point
ActorLoss policy_loss(Entry &e, const Model &m, const Tensor &obs,
                      const NoisyPoint &point, const Posterior &posterior) {
  auto parameters = m.actor.network.mlp().parameters().read(e);
  Tensor eps = m.actor.network(parameters, obs, point.x, {point.t}); // (B, A)
  Tensor loss = mean(square(eps - stopgradient(posterior.noise)));
  if (m.config.k_reduction == "mean")
    loss = loss * (1. / static_cast<double>(m.config.sampled.proposals));
  return {loss, grad(loss, parameters)};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  const Config &c = m.config;
  DrawActions policy = denoiser_policy(
      c.denoiser, m.actor.network, m.actor.network.mlp().parameters().read(e));
  Losses losses = begin_step(e, m.learner, c.sampled, policy, batch, key);

  // noise in noisy actions, weighted by the critics before their step
  Tensor clean = c.path_actions == "stored"
                     ? batch.action
                     : stopgradient(policy(batch.obs, batch.action.shape(), key,
                                           "policy_base"));
  NoisyPoint point = noisy_point(c.denoiser, clean, key);
  Posterior posterior = noise_at(e, m, batch.obs, point, key);
  losses.actor = policy_loss(e, m, batch.obs, point, posterior);

  m.learner.report(e, "losses/denoise_loss", losses.actor.loss);
  report_weights(e, m.learner, posterior.weights);
  m.learner.update(e, losses);
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  return denoiser_program("sdac", env, read_settings<Config>(json), acting,
                          train_step);
}

const nlohmann::json published = {
    {"proposal_noise", "clipped"}, {"k_reduction", "mean"},
    {"path_actions", "policy"},    {"target_particles", 32},
    {"target_noise", true},        {"particles", 32},
    {"sample_particles", 32},      {"step_variance", "posterior"}};

const Registration registration(
    {"sdac", "diffusion policy, score matching reweighted by the critics",
     schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::sdac
