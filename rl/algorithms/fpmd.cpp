// FPMD-R and FPMD-M: flow policy mirror descent that acts in one step. Samples
// of the old policy, weighted by the critics, are samples of the next one, and
// a flow is fitted to them: its velocity (R) or its average velocity (M).
// Papers: arXiv 2507.23675; MeanFlow identity arXiv 2505.13447.
// Time: t = 0 noise, t = 1 action; x_t = t a + (1 - t) base_std e.
// Shapes: B batch, O observation, A action, K proposals, J resampled, P
// particles.
//
//     y    = r + discount min Q'(s', a')
//     L_Q  = sum over both critics of mean (Q(s, a) - y)^2
//     a_k  = sample of the averaged policy + candidate_noise e, in the box
//     w_k  = softmax_k (min Q(s, a_k) / alpha), j drawn as w says
//     v_j  = a_j - base_std e
//     R    L_pi = mean (v(s, x_t, t) - v_j)^2,   a = x_0 + v(s, x_0, 0)
//     M    L_pi = mean (U(s, x_t, t, r) - sg(v_j + (r - t) dU/dt))^2,
//          dU/dt = d_x U v_j + d_t U,            a = x_0 + U(s, x_0, 0, 1)
//     L    = log alpha (H(w) - (ln K - kl_target))
//
// The velocity at t = 0 is E[a | s] - x_0, so one step of R ends at the mean
// action whatever the noise: exact only for a policy that is nearly
// deterministic, which mirror descent without entropy comes to; candidate_noise
// is what explores. U is an average, so that one step of M keeps its spread.
// Deviations from tianyyiii/rectified_flow_policy@37b2d68, each with its test
// in fpmd_test.cpp:
//  1. one base_std in path and sampler; the code's path has noise of size 1,
//     its sampler of 0.5: BaseStd
//  2. K candidates per state and weights that sum to 1 over them; the code
//     regresses on the target's own action at the next state, weighted by exp
//     of Q normalised by running moments and clipped: SoftmaxWeights
//  3. with those weights (weights = clipped), Q is normalised as (Q - mean) /
//     std; operator precedence makes it Q - mean / std in the code: QNorm
//  4. one optimiser step of the critics per gradient; the code takes
//     two: CriticSteps
//  5. alpha keeps the length of the mirror step; the code lowers it by the
//     entropy of exploration noise: KlTarget
//  6. M: r = t for half of the rows, which anchors the velocity; the code for
//     none: EqualTimes
//  7. one step wherever the policy is sampled; the code's default are 20, of
//     which its title's one step is a test: OneStep
//  8. the target takes a plain sample; the code the best of 32 with exploration
//     noise: TargetSample
//  9. acting to learn takes a plain sample, only evaluation the best of
//     several; the code ranks 32 always: RankedWhenEvaluating
// 10. critics before their step in weights and policy: OnePoint
#include "rl/algorithms/flow_policy.h"
#include "rl/algorithms/mirror.h"

namespace phlox::rl::fpmd {
namespace {

struct Config {
  LearnerSettings learner;
  SampledSettings sampled;
  MirrorSettings mirror;
  double base_std = 0.5, r_equal_t = 0.5;
  std::optional<double> path_std;
  int64_t nfe = 1;
  std::string embedding = "fourier";
  bool mean_flow; // not a key

  explicit Config(bool mean_flow) : mean_flow(mean_flow) {
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
    s.real("base_std", base_std, 1e-6, 1e6,
           "standard deviation of the noise at t = 0");
    s.optional_real("path_std", path_std, 1e-6, 1e6,
                    "base_std of the path alone, as published code");
    s.integer("nfe", nfe, 1, 1024, "network evaluations per sampled action");
    if (mean_flow)
      s.real("r_equal_t", r_equal_t, 0, 1, "share of rows with r = t");
    // 1000 t would enter dU/dt with its factor
    if (mean_flow)
      s.choice("embedding", embedding, {"fourier", "sin1"},
               "how the network reads times");
    else
      s.choice("embedding", embedding, {"fourier", "sin1", "sin1000"},
               "how the network reads times");
  }
};
struct Rectified : Config {
  Rectified() : Config(false) {}
};
struct Mean : Config {
  Mean() : Config(true) {}
};

struct Model {
  Config config;
  FlowActor actor; // v(obs, x, t) or U(obs, x, t, r)
  Learner learner;
  Mirror mirror;
};

// samples of the flow under some parameters, clipped to the box
DrawActions draw_with(const Config &config, const FlowNetwork &network,
                      const std::vector<Tensor> &parameters) {
  return [=](const Tensor &obs, const Extents &shape, const Key &key,
             const std::string &stream) {
    Flow flow = config.mean_flow
                    ? mean_velocity_flow([=](const Tensor &x, const Tensor &t,
                                             const Tensor &r) {
                        return network(parameters, obs, x, {t, r});
                      })
                    : velocity_policy(network, parameters, "euler")(obs);
    Tensor x0 = key.normal(stream, shape) * config.base_std;
    return clip(integrate(flow, x0, config.nfe), -1, 1);
  };
}

// R: the velocity of the line to each action, at a time of its own
Tensor velocity_error(const Model &m, const std::vector<Tensor> &parameters,
                      const MirrorStep &step, const Key &key) {
  const Config &c = m.config;
  LinePoint point =
      line_point(step.actions, c.path_std.value_or(c.base_std), key);
  return m.actor.network(parameters, step.obs, point.x, {point.t}) -
         point.velocity; // (B, J, A)
}

// M: the MeanFlow identity along the line to each action
Tensor mean_velocity_error(const Model &m,
                           const std::vector<Tensor> &parameters,
                           const MirrorStep &step, const Key &key) {
  const Config &c = m.config;
  Extents shape = step.actions.shape();
  Tensor u = key.uniform("time", {shape[0], shape[1], 3});
  auto part = [&](int64_t i) {
    return slice(u, {0, 0, i}, {shape[0], shape[1], 1});
  };
  Tensor t = min(part(0), part(1));
  Tensor r = select(part(2) < c.r_equal_t, t, max(part(0), part(1)));
  Tensor noise = key.normal("path", shape) * c.path_std.value_or(c.base_std);
  Tensor x = t * step.actions + (1 - t) * noise, v = step.actions - noise;
  Tensor mean_v = m.actor.network(parameters, step.obs, x, {t, r});
  Tensor change = jvp(mean_v, {x, t, r}, {v, 1, 0});
  return mean_v - stopgradient(v + (r - t) * change); // (B, J, A)
}

ActorLoss policy_loss(Entry &e, const Model &m, const MirrorStep &step,
                      const Key &key) {
  auto parameters = m.actor.network.mlp().parameters().read(e);
  Tensor loss = weighted_mean(
      step, m.config.mean_flow ? mean_velocity_error(m, parameters, step, key)
                               : velocity_error(m, parameters, step, key));
  return {loss, grad(loss, parameters)};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  const Config &c = m.config;
  auto actor = m.actor.network.mlp().parameters().read(e);
  Losses losses = begin_step(e, m.learner, c.sampled,
                             draw_with(c, m.actor.network, actor), batch, key);

  // the mirror step by the critics before theirs, then the flow towards it
  auto average = m.actor.average.mlp().parameters().read(e);
  MirrorStep step =
      m.mirror.step(e, m.learner, c.sampled,
                    draw_with(c, m.actor.average, average), batch, key, losses);
  losses.actor = policy_loss(e, m, step, key);

  m.learner.report(e, "losses/flow_loss", losses.actor.loss);
  report_weights(e, m.learner, step.shares);
  m.learner.update(e, losses);
}

void init(Entry &e, const Model &m) {
  Key key = m.learner.init(e);
  m.actor.init(e, key);
  m.mirror.init(e);
}

template <class Keys>
Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  Config config = read_settings<Keys>(json);
  check_request(env, acting);
  config.mirror.check(config.sampled, config.learner.temperature);
  config.mirror.set_goal(config.learner.temperature, config.sampled.proposals);
  Program program(config.mean_flow ? "fpmd-m" : "fpmd-r");
  Model model{config, {}, {}, {}};
  model.actor = FlowActor(program, env, config.mean_flow ? 2 : 1,
                          config.learner.actor, config.embedding);
  model.learner = model.actor.learner(program, config.learner, env);
  model.mirror = Mirror(program, config.mirror);
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  add_acting(program, acting, env, model.learner, config.sampled,
             [&](Entry &e) {
               return draw_with(config, model.actor.average,
                                model.actor.average.mlp().parameters().read(e));
             });
  return program;
}

nlohmann::json published(bool mean_flow) {
  nlohmann::json keys = {{"path_std", 1.0},
                         {"weights", "clipped"},
                         {"candidates", "target"},
                         {"q_norm", "published"},
                         {"critic.steps", 2},
                         {"target_particles", 32},
                         {"target_noise", true},
                         {"particles", 32},
                         {"sample_particles", 32},
                         {"noise_scale", 0.1},
                         {"alpha.initial", 5.0},
                         {"alpha.lr", 7e-3},
                         {"alpha.lr_final", 7e-3},
                         {"alpha.every", 250},
                         {"target_entropy_scale", 1.5}};
  if (mean_flow)
    keys["r_equal_t"] = 0.;
  else
    keys["nfe"] = 20;
  return keys;
}

const Registration rectified({"fpmd-r", "one-step flow policy, mirror descent",
                              schema_of<Rectified>(), published(false),
                              build<Rectified>});
const Registration mean({"fpmd-m", "one-step MeanFlow policy, mirror descent",
                         schema_of<Mean>(), published(true), build<Mean>});

} // namespace
} // namespace phlox::rl::fpmd
