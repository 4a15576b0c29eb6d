// MaxEntDP: maximum-entropy RL with a diffusion policy, trained on the
// posterior of noise, its density found by how well it denoises.
// Paper: arXiv 2502.11612.
// Time: t = 0 noise, t = 1 action; x_t = signal(t) a + noise(t) e on the cosine
// path of unit variance (diffusion.h), the paper's time turned round.
// Shapes: B batch, O observation, A action, K proposals, L levels, D draws.
//
//     y    = r + discount (min Q'(s', a') + alpha h'),  h' = -log pi(a' | s')
//     L_Q  = sum over both critics of mean (Q(s, a) - y)^2
//     h'   = A / 2 ln (2 pi e)
//            - 1/2 integral over l of (A signal^2 - E |eps(s', x, t) - e|^2)
//     e_k  ~ N(0, 1) truncated to where a_k = (x - noise e_k) / signal lies in
//            the box,  w_k = softmax_k (min Q(s, a_k) / alpha)
//     L_pi = mean (eps(s, x, t) - sum_k w_k e_k)^2
//     L    = log alpha (mean h' - target entropy)
//
// with l = ln (signal^2 / noise^2), x the action a' with noise of that level.
// The integral holds for any density if eps is the mean of e given x; the
// errors are those of a Gaussian of unit variance, A signal^2, minus what the
// policy's structure saves. Least squares on weighted noise makes eps that mean
// for pi* ~ exp(Q / alpha).
// Deviations from diffusionyes/MaxEntDP@5377f3f, each with its test in
// maxentdp_test.cpp:
//  1. levels of the integral lie at middles of equal steps of l; the code takes
//     the noisier end of equal steps of time, 0.31 nats too much for a policy
//     of standard deviation 0.13 at 20 levels: EqualStepsOfLogSnr
//  2. one draw of noise per level and state, none twice, instead of 50: the
//     mean over the batch is what the target needs: DrawsOfTheIntegral
//  3. noise is truncated by its inverse in the nearer tail, without the code's
//     fallback for NaN: FarNoise
//  4. weights by the trained critics before their step; the code's are the
//     target critics, at `weigh_by`: WeighedBy
//  5. acting and target take the averaged and the trained policy; the code has
//     one: AveragedActs
#include "rl/algorithms/denoiser_program.h"
#include "rl/algorithms/diffusion.h"

namespace phlox::rl::maxentdp {
namespace {

struct Config {
  LearnerSettings learner;
  SampledSettings sampled;
  DenoiserSettings denoiser;
  SurpriseSettings surprise;
  std::string embedding = "fourier", weigh_by = "trained";

  Config() {
    learner.actor_rate = {3e-4, 3e-4, 0, 0};
    learner.temperature.initial = 0.1; // as there
    learner.temperature.fixed = true;
    learner.temperature.floor = 1e-3;
    sampled.noise_trains = false;
    sampled.least_proposals = 2;
  }
  void visit(Settings &s) {
    learner.visit(s);
    sampled.visit(s);
    denoiser.visit(s);
    surprise.visit(s);
    s.choice("embedding", embedding, {"fourier", "sin1", "sin1000"},
             "how the network reads times");
    s.choice("weigh_by", weigh_by, {"trained", "target"},
             "critics that weigh noise: the trained ones, or as published "
             "their targets");
  }
};

using Model = DenoiserModel<Config>;

Denoiser denoiser_at(const FlowNetwork &network,
                     const std::vector<Tensor> &parameters, const Tensor &obs) {
  return [=](const Tensor &x, const Tensor &t) {
    return network(parameters, obs, x, {t});
  };
}

// a' with -log pi(a' | s') of the same action
Losses soft_losses(Entry &e, const Model &m, const Transitions &batch,
                   const Key &key) {
  const Config &c = m.config;
  auto actor = m.actor.network.mlp().parameters().read(e);
  Tensor next = next_action(e, m.learner, c.sampled,
                            denoiser_policy(c.denoiser, m.actor.network, actor),
                            batch.next_obs, key);
  Tensor entropy =
      surprise_of(denoiser_at(m.actor.network, actor, batch.next_obs),
                  c.denoiser, c.surprise, next, key, "probe");
  return m.learner.losses(e, batch, next, entropy);
}

// the noise that clean actions of pi* ~ exp(Q / alpha) would have left in x
Posterior noise_at(Entry &e, const Model &m, const Tensor &obs,
                   const NoisyPoint &point, const Key &key) {
  const Config &c = m.config;
  return reverse_sample(point.x, point.levels, m.learner.temperature().value(e),
                        c.sampled.proposals, key, [&](const Tensor &actions) {
                          if (c.weigh_by == "trained")
                            return m.learner.score(e, obs, actions);
                          const TwinCritic &target = m.learner.target();
                          return target.least(target.parameters().read(e), obs,
                                              actions);
                        });
}

ActorLoss policy_loss(Entry &e, const Model &m, const Tensor &obs,
                      const NoisyPoint &point, const Posterior &posterior) {
  auto parameters = m.actor.network.mlp().parameters().read(e);
  Tensor eps = m.actor.network(parameters, obs, point.x, {point.t}); // (B, A)
  Tensor loss = mean(square(eps - posterior.noise));
  return {loss, grad(loss, parameters)};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  Losses losses = soft_losses(e, m, batch, key);

  // noise in stored actions, weighted by the critics before their step
  NoisyPoint point = noisy_point(m.config.denoiser, batch.action, key);
  Posterior posterior = noise_at(e, m, batch.obs, point, key);
  losses.actor = policy_loss(e, m, batch.obs, point, posterior);

  m.learner.report(e, "losses/denoise_loss", losses.actor.loss);
  report_weights(e, m.learner, posterior.weights);
  m.learner.update(e, losses);
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  return denoiser_program("maxentdp", env, read_settings<Config>(json), acting,
                          train_step);
}

const nlohmann::json published = {{"entropy.rule", "noisier_end"},
                                  {"entropy.levels", 20},
                                  {"entropy.draws", 50},
                                  {"weigh_by", "target"},
                                  {"proposals", 500},
                                  {"actor.hidden", {256, 256}},
                                  {"critic.hidden", {256, 256}},
                                  {"critic.activation", "relu"}};

const Registration registration(
    {"maxentdp", "maximum-entropy diffusion policy, density by denoising",
     schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::maxentdp
