// FMER: flow policies by mirror descent, with an entropy that knows of tanh.
// Paper: arXiv 2603.17685v3.
// Time: t = 0 noise, t = 1 latent action z, action = tanh z;
// z_t = t z + (1 - t) base_std e.
// Shapes: B batch, O observation, A action, K proposals, J resampled.
//
//     y    = r + discount (min Q'(s', a') + alpha h'),  h' = -log pi(a' | s')
//     z_k  ~ the averaged policy,  A_k = Q(s, tanh z_k) - mean_k Q
//     w_k  = softmax_k (A_k / tau), tau so that the mean of 1 / sum_k w_k^2 is
//            ess_target K
//     L_pi = mean (v(s, z_t, t) - (z_j - base_std e))^2, j drawn as w says
//            - alpha (mean div v(s, z_t, t) + mean sum ln (1 - tanh^2 z_1))
//     L    = log alpha (mean h' - target entropy)
//
// Mirror step: max over pi of E A - tau KL(pi | pi_old) is pi_old exp(A / tau),
// so proposals of pi_old need no density in their weights. To second order
// KL(w | uniform) = (K / ess - 1) / 2: the sample size fixes the trust region.
// Entropy: along dz/dt = v densities obey d ln p / dt = -div v, hence
//     H(tanh z_1) = H(z_0) + integral of E div v dt + E sum ln (1 - tanh^2
//     z_1).
// The divergence is taken on the regression's own lines, without simulation;
// its gradient is reverse mode over the forward mode of v.
// The regression counts squared velocities, not nats, so alpha is no
// temperature of exp(Q / alpha) here: it is what holds the entropy at its goal,
// and starts low. Fixed at the temperature of a soft-optimal policy it can push
// actions to the faces of the box.
// Where the paper leaves a choice, or this file takes another, with its test in
// fmer_test.cpp:
//  1. the last term takes its gradient through the sampler; with equal
//     advantages the policy must become uniform, entropy ln 2 per dimension,
//     and forms without simulation stop far below (squash_grad): SquashGradient
//  2. ln (1 - tanh^2 z) is 2 (ln 2 - z - softplus(-2 z)), finite for all z
//     (networks.h): SquashStaysFinite
//  3. tau by 24 halvings of ln tau within the step, the same for all states of
//     a batch; it has no memory. mirror_temperature fixes it instead, as the
//     paper's first version did: MirrorTemperature. mirror_rate follows it by
//     ln tau += mirror_rate (ess_target - mean ess / K): DualMirrorTemperature
//  4. a few proposals are resampled by weight, each with its own time and
//     noise, instead of regressing on all: ResampledMean
//  5. divergences are taken at the times at which the sampler's steps ask.
//     Once a policy is narrow, the gradient of its entropy, -grad ln p, grows
//     like 1 / variance towards t = 1; at random times much of it falls behind
//     the sampler's last step, where v changes no sample
//     (docs/half-cheetah.md): DivergenceTimes
//  6. acting takes one plain sample: its entropy explores, so that no noise is
//     added and no critic ranks: PlainSample
#include "rl/algorithms/candidates.h"
#include "rl/algorithms/flow_policy.h"
#include <cmath>

namespace phlox::rl::fmer {
namespace {

struct Config {
  LearnerSettings learner;
  FlowSettings flow;
  SolverSettings solver;
  double ess_target = 0.5; // share of the proposals
  std::optional<double> mirror_temperature, mirror_rate;
  int64_t resampled = 4;
  std::string squash_grad = "path", divergence_times = "sampler";

  Config() {
    learner.actor_rate = learner.critic_rate = {3e-4, 3e-4, 0, 0};
    learner.temperature.rate = {3e-4, 3e-4, 0, 0};
    learner.temperature.initial = 0.1;
    learner.temperature.floor = 1e-3;
    flow.squashed = true;
    flow.proposals = 16;
    flow.particles = 1;
    flow.noise_scale = 0;
  }
  void visit(Settings &s) {
    learner.visit(s);
    flow.visit(s, {"fourier", "sin1", "sin1000"},
               {"div", "logdet", "trace_disp"});
    solver.visit(s);
    s.real("ess_target", ess_target, 0, 1,
           "effective sample size of the weights, as a share of proposals");
    s.optional_real("mirror_temperature", mirror_temperature, 1e-6, 1e6,
                    "temperature of the mirror step, instead of ess_target; "
                    "with mirror_rate the first one, else 1");
    s.optional_real("mirror_rate", mirror_rate, 0, 10,
                    "step of the mirror temperature's logarithm per update "
                    "towards ess_target, instead of solving for it");
    s.integer("resampled", resampled, 1, 64,
              "latent actions drawn by weight per state");
    s.choice("squash_grad", squash_grad, {"path", "endpoint", "linear", "none"},
             "gradient of the squashing's entropy: through the sampler, at a "
             "straight line's end, to first order, or none");
    s.choice("divergence_times", divergence_times, {"sampler", "uniform"},
             "where the entropy's divergence is taken: at the times that the "
             "sampler's steps ask for, or at the regression's own");
  }
  void check() const { solver.check(); }
};

struct Model {
  Config config;
  FlowActor actor; // v(obs, z, t)
  Learner learner;
  Leaf log_mirror; // ln tau; only with mirror_rate
};

// latent actions of the old policy, and weights that make them the new one's
struct MirrorStep {
  Tensor latents;     // (B, K, A)
  Tensor weights;     // (B, K), sum 1 over K
  Tensor temperature; // ()
  Tensor kl;          // of the weights from equal ones, mean over B, ()
};

// bounds as those of the halvings
constexpr double least_mirror = 1e-4, most_mirror = 1e3;

Tensor mirror_temperature(Entry &e, const Model &m, const Tensor &advantages) {
  const Config &c = m.config;
  if (c.mirror_rate)
    return exp(e.read(m.log_mirror));
  return c.mirror_temperature ? e.scalar(*c.mirror_temperature)
                              : temperature_of_ess(advantages, c.ess_target);
}

// ln tau after the dual step: too few effective samples raise it
Tensor dual_step(Entry &e, const Model &m, const Tensor &weights) {
  const Config &c = m.config;
  Tensor share = mean(ess(weights)) / static_cast<double>(c.flow.proposals);
  return clip(e.read(m.log_mirror) + *c.mirror_rate * (c.ess_target - share),
              std::log(least_mirror), std::log(most_mirror));
}

MirrorStep mirror_step(Entry &e, const Model &m, const Tensor &obs,
                       const Key &key) {
  const Config &c = m.config;
  auto old = m.actor.average.mlp().parameters().read(e);
  Flow flow = velocity_policy(m.actor.average, old, c.solver.solver)(obs);
  Tensor noise = key.normal("proposal", {obs.extent(0), c.flow.proposals,
                                         m.learner.env().action_size});
  MirrorStep step;
  step.latents =
      stopgradient(integrate(flow, noise * c.flow.base_std, c.solver.steps()));
  Tensor q = m.learner.score(e, obs, tanh(step.latents)); // (B, K)
  Tensor advantages = q - expand(mean(q, 1), 1);
  step.temperature = mirror_temperature(e, m, advantages);
  Tensor exponents = stopgradient(advantages / step.temperature);
  step.weights = softmax(exponents, 1);
  step.kl = mean(sum(step.weights * exponents, 1) - logsumexp(exponents, 1)) +
            std::log(static_cast<double>(c.flow.proposals));
  return step;
}

// E sum ln (1 - tanh^2 z_1), or what has its gradient
Tensor squash_term(const Model &m, const std::vector<Tensor> &parameters,
                   const Tensor &obs, const Tensor &chosen,
                   const LinePoint &point, const Tensor &v, const Key &key) {
  const Config &c = m.config;
  if (c.squash_grad == "path") {
    Tensor z0 = key.normal("policy_base", {obs.extent(0), chosen.extent(-1)}) *
                c.flow.base_std;
    Flow flow =
        velocity_policy(m.actor.network, parameters, c.solver.solver)(obs);
    return mean(sum(log_tanh_slope(integrate(flow, z0, c.solver.steps())), -1));
  }
  if (c.squash_grad == "endpoint")
    return mean(sum(log_tanh_slope(point.x + (1 - point.t) * v), -1));
  // slope at the sample, times how the velocity moves its end
  return mean(sum(-2 * tanh(chosen) * v, -1));
}

// the same lines at the times at which the sampler's steps ask
LinePoint at_sampler(const Model &m, const LinePoint &point,
                     const Tensor &ends) {
  const SolverSettings &solver = m.config.solver;
  double steps = static_cast<double>(solver.steps());
  double inside = solver.solver == "midpoint" ? .5 : 0;
  Tensor t = (min(floor(point.t * steps), steps - 1) + inside) / steps;
  return {ends - (1 - t) * point.velocity, t, point.velocity};
}

// what the regression gave beside the loss
struct PolicyLoss {
  ActorLoss actor;
  Tensor flow_loss, divergence; // ()
};

PolicyLoss policy_loss(Entry &e, const Model &m, const Transitions &batch,
                       const MirrorStep &step, const Key &key) {
  const Config &c = m.config;
  auto parameters = m.actor.network.mlp().parameters().read(e);
  Tensor chosen =
      resample(step.latents, step.weights, c.resampled, key); // (B, J, A)
  LinePoint point = line_point(chosen, c.flow.base_std, key);
  Tensor v = m.actor.network(parameters, batch.obs, point.x, {point.t});
  PolicyLoss result;
  result.flow_loss = mean(square(v - point.velocity));
  // p' (dv/dz p) has the trace as its mean over signs p
  Tensor p = key.sign("policy_probe", point.x.shape());
  bool own = c.divergence_times == "sampler";
  LinePoint at = own ? at_sampler(m, point, chosen) : point;
  Tensor there = own ? m.actor.network(parameters, batch.obs, at.x, {at.t}) : v;
  result.divergence = mean(sum(p * jvp(there, {at.x}, {p}), -1));
  Tensor entropy = result.divergence;
  if (c.squash_grad != "none")
    entropy =
        entropy + squash_term(m, parameters, batch.obs, chosen, point, v, key);
  Tensor loss = result.flow_loss - m.learner.temperature().value(e) * entropy;
  result.actor = {loss, grad(loss, parameters)};
  return result;
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  const Config &c = m.config;
  auto actor = m.actor.network.mlp().parameters().read(e);
  Losses losses =
      begin_step(e, m.learner, c.flow,
                 velocity_policy(m.actor.network, actor, c.solver.solver),
                 c.solver.steps(), batch, key);

  // the mirror step by the critics before theirs, then the flow towards it
  MirrorStep step = mirror_step(e, m, batch.obs, key);
  PolicyLoss found = policy_loss(e, m, batch, step, key);
  losses.actor = found.actor;
  if (c.mirror_rate)
    losses.leaves.emplace_back(m.log_mirror, dual_step(e, m, step.weights));

  m.learner.report(e, "losses/flow_loss", found.flow_loss);
  m.learner.report(e, "losses/divergence", found.divergence);
  m.learner.report(e, "losses/squash",
                   mean(sum(log_tanh_slope(step.latents), -1)));
  m.learner.report(e, "losses/latent_std",
                   sqrt(mean(square(step.latents - mean(step.latents)))));
  m.learner.report(e, "losses/mirror_temperature", step.temperature);
  m.learner.report(e, "losses/mirror_kl", step.kl);
  report_weights(e, m.learner, step.weights);
  m.learner.update(e, losses);
}

void init(Entry &e, const Model &m) {
  Key key = m.learner.init(e);
  m.actor.init(e, key);
  if (m.config.mirror_rate)
    e.write(m.log_mirror, std::log(m.config.mirror_temperature.value_or(1)));
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  auto config = read_settings<Config>(json);
  check_request(env, acting);
  config.check();
  Program program("fmer");
  Model model{config, {}, {}, {}};
  if (config.mirror_rate)
    model.log_mirror = program.leaf("log_mirror_temperature", {});
  model.actor =
      FlowActor(program, env, 1, config.learner.actor, config.flow.embedding);
  model.learner = model.actor.learner(program, config.learner, env);
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  add_acting(program, acting, env, model.learner, config.flow, config.solver,
             model.actor.average);
  return program;
}

// ten Euler steps; other settings of the paper are not known
const nlohmann::json published = {
    {"solver", "euler"}, {"nfe", 10}, {"divergence_times", "uniform"}};

const Registration registration(
    {"fmer", "flow policy by mirror descent, entropy of tanh included",
     schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::fmer
