// DPMD: diffusion policy mirror descent. Samples of the old policy, weighted by
// the critics, are samples of the next one, and a denoiser is fitted to them.
// Paper: arXiv 2502.00361.
// Time: t = 0 noise, t = 1 action; x_t = signal(t) a + noise(t) e on the cosine
// path of unit variance (diffusion.h), the paper's time turned round.
// Shapes: B batch, O observation, A action, K proposals, J resampled, P
// particles.
//
//     y    = r + discount min Q'(s', a')
//     L_Q  = sum over both critics of mean (Q(s, a) - y)^2
//     a_k  = sample of the averaged policy + candidate_noise e, in the box
//     w_k  = softmax_k (min Q(s, a_k) / alpha)
//     L_pi = mean (eps(s, x_t, t) - e)^2, x_t from a_j, j drawn as w says
//     L    = log alpha (H(w) - (ln K - kl_target))
//
// max over pi of E Q - alpha KL(pi | pi_old) is pi_old exp(Q / alpha): draws of
// pi_old need no density in their weights. KL(w | uniform) = ln K - H(w) is the
// step's length, which alpha keeps at kl_target. Iterated, the step ends at the
// best action; noise on candidates keeps the policy wide: near a maximum of
// curvature c its variance V solves 1 / V = 1 / (V + candidate_noise^2) +
// c / alpha.
// Of typoverflow/flow-rl's form, which has softmax weights, three things are
// not taken: the critics' mean in them (here their minimum), squared errors cut
// at 3, and candidates whose noise may leave the box.
// Deviations from mahaitongdae/diffusion_policy_online_rl@a50cf41, each with
// its test in dpmd_test.cpp; its noise levels are not reproduced:
//  1. K candidates per state and weights that sum to 1 over them; the code
//     regresses on the target's own action at the next state, weighted by exp
//     of Q normalised by running moments and clipped: SoftmaxWeights
//  2. with those weights (weights = clipped), Q is normalised as (Q - mean) /
//     std; operator precedence makes it Q - mean / std in the code: QNorm
//  3. a few candidates are resampled by weight, each with its own time and
//     noise, instead of regressing on all with weights: ResampledCandidates
//  4. one optimiser step of the critics per gradient; the code takes
//     two: CriticSteps
//  5. alpha keeps the length of the mirror step, as in
//     typoverflow/flow-rl@bae22f4; the code lowers it by the entropy of
//     exploration noise, whatever the critics say: KlTarget
//  6. the old policy is the averaged one, which moves slowly; that repository
//     takes a snapshot every 1000 updates: AveragedCandidates
//  7. the target takes a plain sample; the code the best of 32 with exploration
//     noise: TargetSample
//  8. a step of the sampler adds the forward step's variance, not what is left
//     when the clean action is known: StepVariance
//  9. acting to learn takes a plain sample, only evaluation the best of
//     several; the code ranks 32 always: RankedWhenEvaluating
// 10. critics before their step in weights and policy: OnePoint
#include "rl/algorithms/diffusion.h"
#include "rl/algorithms/flow_policy.h"
#include "rl/algorithms/mirror.h"

namespace phlox::rl::dpmd {
namespace {

struct Config {
  LearnerSettings learner;
  SampledSettings sampled;
  MirrorSettings mirror;
  DenoiserSettings denoiser;
  std::string embedding = "fourier";

  Config() {
    learner.soft_target = false;
    learner.reward_scale = 0.2;
    learner.actor_every = 2;
    learner.actor_rate = {3e-4, 3e-5, 25'000, 50'000};
    learner.temperature.rate = {3e-4, 3e-4, 0, 0};
    learner.temperature.floor = 1e-3; // against saturated weights
    sampled.proposals = 64;
  }
  void visit(Settings &s) {
    learner.visit(s);
    sampled.visit(s);
    mirror.visit(s);
    denoiser.visit(s);
    s.choice("embedding", embedding, {"fourier", "sin1", "sin1000"},
             "how the network reads times");
  }
  void check() const {
    denoiser.check();
    mirror.check(sampled, learner.temperature);
  }
};

struct Model {
  Config config;
  FlowActor actor; // eps(obs, x, t)
  Learner learner;
  Mirror mirror;
};

// denoising of the new policy's actions, each with its own time and noise
ActorLoss policy_loss(Entry &e, const Model &m, const MirrorStep &step,
                      const Key &key) {
  auto parameters = m.actor.network.mlp().parameters().read(e);
  NoisyPoint point = noisy_point(m.config.denoiser, step.actions, key);
  Tensor eps =
      m.actor.network(parameters, step.obs, point.x, {point.t}); // (B, J, A)
  Tensor loss = weighted_mean(step, eps - point.noise);
  return {loss, grad(loss, parameters)};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  const Config &c = m.config;
  auto actor = m.actor.network.mlp().parameters().read(e);
  Losses losses = begin_step(
      e, m.learner, c.sampled,
      denoiser_policy(c.denoiser, m.actor.network, actor), batch, key);

  // the mirror step by the critics before theirs, then the denoiser towards it
  auto average = m.actor.average.mlp().parameters().read(e);
  MirrorStep step =
      m.mirror.step(e, m.learner, c.sampled,
                    denoiser_policy(c.denoiser, m.actor.average, average),
                    batch, key, losses);
  losses.actor = policy_loss(e, m, step, key);

  m.learner.report(e, "losses/denoise_loss", losses.actor.loss);
  report_weights(e, m.learner, step.shares);
  m.learner.update(e, losses);
}

void init(Entry &e, const Model &m) {
  Key key = m.learner.init(e);
  m.actor.init(e, key);
  m.mirror.init(e);
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  auto config = read_settings<Config>(json);
  check_request(env, acting);
  config.check();
  config.mirror.set_goal(config.learner.temperature, config.sampled.proposals);
  Program program("dpmd");
  Model model{config, {}, {}, {}};
  model.actor =
      FlowActor(program, env, 1, config.learner.actor, config.embedding);
  model.learner = model.actor.learner(program, config.learner, env);
  model.mirror = Mirror(program, config.mirror);
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  add_acting(
      program, acting, env, model.learner, config.sampled, [&](Entry &e) {
        return denoiser_policy(config.denoiser, model.actor.average,
                               model.actor.average.mlp().parameters().read(e));
      });
  return program;
}

const nlohmann::json published = {{"weights", "clipped"},
                                  {"candidates", "target"},
                                  {"q_norm", "published"},
                                  {"critic.steps", 2},
                                  {"target_particles", 32},
                                  {"target_noise", true},
                                  {"particles", 32},
                                  {"sample_particles", 32},
                                  {"noise_scale", 0.1},
                                  {"step_variance", "posterior"},
                                  {"alpha.initial", 5.0},
                                  {"alpha.lr", 7e-3},
                                  {"alpha.lr_final", 7e-3},
                                  {"alpha.every", 250},
                                  {"target_entropy_scale", 0.9}};

const Registration
    registration({"dpmd", "diffusion policy, mirror descent on its own samples",
                  schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::dpmd
