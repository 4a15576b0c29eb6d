// MFPO: maximum-entropy RL with a MeanFlow policy of few steps, its density by
// a second network that learns the average divergence.
// Paper: arXiv 2604.14698.
// Time: t = 0 noise, t = 1 action; x_t = t a + (1 - t) base_std e, and
// x_r = x_t + (r - t) U(x_t, t, r).
// Shapes: B batch, O observation, A action, K proposals, P particles, N atoms.
//
//     U = v + (r - t) dU/dt,  D = div v + (r - t) dD/dt  along dx/dt = v
//     h = -log N(x_0) + sum over segments of (r - t) D = -log pi(a | s)
//     Z(s, a) on N atoms, towards r + discount (Z'(s', a') + alpha h')
//     v = (n_1 v_1 + n_2 v_2) / (n_1 + n_2), n effective sample sizes, each
//     v_i = (sum_k w_k a_k - x) / (1 - t)  with
//       1: a_k ~ pi, w ~ exp(Q / alpha + h_k) N(x; t a_k, (1 - t)^2 base_std^2)
//       2: a_k ~ N(x; t a, (1 - t)^2 base_std^2) in the box, w ~ exp(Q / alpha)
//     L_pi = mean (U - sg(v + (r - t) dU/dt))^2
//     L_D  = mean (D - sg(p' dv/dx p + (r - t) dD/dt))^2, p ~ N(0, 1)
//     L    = log alpha (mean h' - target entropy)
//
// D holds for any path of U, as ln p changes by -div v along it; it has the
// closed form of a Gaussian flow, ln(det S_r / det S_t) / (2 (r - t)).
// Averaging by sample size keeps the bias of v_1 where the policy is too
// narrow. Deviations from dongxiaoyi-xyz/MFPO@d8b3977, each with its test in
// mfpo_test.cpp:
//  1. times enter as t and r, each with sinusoids of whole periods; the code
//     learns frequencies of t and of r - t: BothTimes
//  2. the temperature follows the entropy of next actions, its loss linear in
//     log alpha; the code has those of the batch's states, linear in
//     alpha: NextEntropy
//  3. all updates of a step use gradients at the same parameters; the code
//     moves critics, then U, then D: OnePoint
//  4. critics = squared has the twin regression of the other algorithms, for
//     rewards whose range is unknown: SquaredCritics
#include "rl/algorithms/candidates.h"
#include "rl/algorithms/categorical.h"
#include "rl/algorithms/learner.h"
#include "rl/algorithms/posterior.h"
#include <cmath>

namespace phlox::rl::mfpo {
namespace {

struct Config {
  LearnerSettings learner;
  LearningRate divergence_rate = {3e-4, 3e-4, 0, 0};
  Atoms atoms;
  std::string critics = "categorical", twins = "min";
  int64_t nfe = 2; // segments
  int64_t policy_proposals = 16, proposals = 32, particles = 10, probes = 2;
  double base_std = 1, r_equal_t = 0.75, time_mean = 0.4, time_std = 1;

  Config() {
    learner.actor = learner.critic = {{256, 256, 256}, "gelu"};
    learner.actor.norm = learner.critic.norm = "layer";
    learner.actor_rate = learner.critic_rate = {3e-4, 3e-4, 0, 0};
    learner.temperature.rate = {3e-4, 3e-4, 0, 0};
    learner.temperature.initial = 0.01;
    learner.temperature.target_entropy_scale = 0.5;
  }
  void visit(Settings &s) {
    learner.visit(s);
    divergence_rate.visit(s, "divergence.lr");
    atoms.visit(s);
    s.choice("critics", critics, {"categorical", "squared"},
             "distributions of returns by cross-entropy, or their means by "
             "squared error");
    s.choice("twins", twins, {"min", "mean"}, "how two critics are read");
    s.integer("nfe", nfe, 1, 1024, "segments of the policy's flow");
    s.integer("policy_proposals", policy_proposals, 2, 1 << 20,
              "proposals per state that the policy draws");
    s.integer("proposals", proposals, 2, 1 << 20,
              "clean actions drawn per state in reverse sampling");
    s.integer("particles", particles, 1, 1 << 20,
              "candidates ranked by the critics when evaluating");
    s.integer("probes", probes, 1, 1024, "probes per divergence");
    s.real("base_std", base_std, 1e-6, 1e6,
           "standard deviation of the noise at t = 0");
    s.real("r_equal_t", r_equal_t, 0, 1, "share of rows with r = t");
    s.real("time_mean", time_mean, -10, 10, "mean of logit times");
    s.real("time_std", time_std, 1e-3, 10, "deviation of logit times");
  }
};

struct Model {
  Config config;
  FlowNetwork actor, divergence; // U, D of (s, x, t, r)
  Adam divergence_adam;
  Learner learner;
};

// one number per state and action: the critics' smaller value, or their mean
Tensor value(Entry &e, const Model &m, const TwinCritic &critic,
             const Tensor &obs, const Tensor &actions) {
  auto parameters = critic.parameters().read(e);
  return m.config.twins == "min" ? critic.least(parameters, obs, actions)
                                 : critic.middle(parameters, obs, actions);
}

// actions in the box and -log of their density, from x_0 (B, ..., A)
FlowSample follow(Entry &e, const Model &m, const Tensor &obs,
                  const Tensor &x0) {
  auto own = m.actor.mlp().parameters().read(e);
  auto other = m.divergence.mlp().parameters().read(e);
  Extents rows = x0.shape();
  rows.pop_back();
  auto segments = static_cast<double>(m.config.nfe);
  Tensor times = iota(obs.trace(), {m.config.nfe, 1}, 0, Element::real);
  auto end =
      scan(m.config.nfe, {x0, fill(x0, rows, 0)}, {times / segments},
           [&](auto &carries, auto &now) {
             const Tensor &x = carries[0], &t = now[0];
             Tensor r = t + 1 / segments;
             Tensor change = m.divergence(other, obs, x, {t, r}); // (..., 1)
             return ScanStep{{x + m.actor(own, obs, x, {t, r}) / segments,
                              carries[1] + reshape(change, rows) / segments},
                             {}};
           })
          .carries;
  return {stopgradient(clip(end[0], -1, 1)),
          stopgradient(gaussian_surprise(x0, m.config.base_std) + end[1])};
}

// points on the path to given actions, with t <= r
struct Query {
  Tensor x;    // (B, A)
  Tensor t, r; // (B, 1)
};

Query draw_query(const Model &m, const Tensor &action, const Key &key,
                 const std::string &prefix) {
  const Config &c = m.config;
  int64_t rows = action.extent(0);
  Tensor u = sigmoid(key.normal(prefix + "time", {rows, 2}) * c.time_std +
                     c.time_mean);
  Tensor one = slice(u, {0, 0}, {rows, 1}), two = slice(u, {0, 1}, {rows, 1});
  Tensor t = min(one, two), at = iota(u.trace(), {rows, 1}, 0, Element::real);
  auto equal = std::floor(c.r_equal_t * static_cast<double>(rows));
  Tensor noise = key.normal(prefix + "path", action.shape()) * c.base_std;
  return {t * action + (1 - t) * noise, t,
          select(at < equal, t, max(one, two))};
}

// the velocity to pi* ~ exp(Q / alpha), by two proposals
Tensor posterior_velocity(Entry &e, const Model &m, const Tensor &obs,
                          const FlowSample &own, const Query &query,
                          const Key &key) {
  const Config &c = m.config;
  const auto &[x, t, r] = query;
  Tensor alpha = m.learner.temperature().value(e);
  auto score = [&](const Tensor &actions) {
    return value(e, m, m.learner.critic(), obs, actions);
  };
  Tensor off = (expand(x, 1) - expand(t, 1) * own.action) /
               expand((1 - t) * c.base_std, 1);               // (B, K, A)
  Tensor surprise = 0.5 * sum(square(off), -1) - own.entropy; // (B, K)
  Tensor w =
      importance(score(own.action), {own.action, surprise}, alpha).weights;
  Tensor v1 = (sum(expand(w, 2) * own.action, 1) - x) / (1 - t);
  Posterior box =
      reverse_sample(x, t, alpha, c.proposals, c.base_std, key, score);
  Tensor n1 = ess(w), n2 = ess(box.weights); // (B)
  m.learner.report(e, "losses/ess_policy", mean(n1));
  m.learner.report(e, "losses/ess_box", mean(n2));
  Tensor share = expand(n1 / (n1 + n2), 1);
  return stopgradient(share * v1 + (1 - share) * box.velocity);
}

// MeanFlow identity of U; the tangent carries no gradient
ActorLoss actor_loss(Entry &e, const Model &m, const Tensor &obs,
                     const Query &query, const Tensor &velocity) {
  const auto &[x, t, r] = query;
  auto parameters = m.actor.mlp().parameters().read(e);
  Tensor u = m.actor(parameters, obs, x, {t, r});
  Tensor du = jvp(u, {x, t, r}, {velocity, 1, 0});
  Tensor loss = mean(square(u - stopgradient(velocity + (r - t) * du)));
  return {loss, grad(loss, parameters)};
}

// the same identity of D along the policy's own velocity
OtherLoss divergence_loss(Entry &e, const Model &m, const Tensor &obs,
                          const Query &query, const Key &key) {
  const auto &[x, t, r] = query;
  auto actor = m.actor.mlp().parameters().read(e);
  int64_t count = m.config.probes;
  Tensor probe = key.normal("divergence_probe",
                            {x.extent(0), count, x.extent(1)}); // (B, J, A)
  Tensor copies = repeat(x, count, 1), at = expand(t, 1);
  Tensor slope = jvp(m.actor(actor, obs, copies, {at, at}), {copies}, {probe});
  Tensor div = mean(sum(probe * slope, -1), Axes{1}); // (B)
  auto parameters = m.divergence.mlp().parameters().read(e);
  Tensor d = m.divergence(parameters, obs, x, {t, r}); // (B, 1)
  Tensor dd =
      jvp(d, {x, t, r}, {stopgradient(m.actor(actor, obs, x, {t, t})), 1, 0});
  Tensor loss = mean(square(d - stopgradient(expand(div, 1) + (r - t) * dd)));
  return {&m.divergence_adam, loss, grad(loss, parameters)};
}

// target and loss of the critics
Losses begin_step(Entry &e, const Model &m, const Transitions &batch,
                  const FlowSample &next) {
  const Config &c = m.config;
  const TwinCritic &critic = m.learner.critic(), &target = m.learner.target();
  auto sign = static_cast<double>(c.learner.entropy_sign);
  Tensor alpha = m.learner.temperature().value(e);
  Losses losses;
  losses.entropy = next.entropy;
  losses.action = next.action;
  if (c.critics == "squared") {
    losses.soft_target =
        soft_target(batch, value(e, m, target, batch.next_obs, next.action),
                    next.entropy, alpha, c.learner.discount, sign);
    losses.critic = m.learner.critic_loss(e, batch, losses.soft_target);
    return losses;
  }
  Tensor going = (1 - batch.terminated) * c.learner.discount;
  Tensor wanted = categorical_target(
      c.atoms, target, target.parameters().read(e), batch, next.action, going,
      alpha * next.entropy * sign, c.twins == "mean");
  losses.soft_target = c.atoms.mean_of(wanted);
  losses.critic = categorical_loss(c.atoms, critic, critic.parameters().read(e),
                                   batch.obs, batch.action, wanted);
  return losses;
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  const Config &c = m.config;
  int64_t rows = batch.obs.extent(0), size = m.learner.env().action_size;
  Tensor x0 = key.normal("base", {rows, size}) * c.base_std;
  Losses losses = begin_step(e, m, batch, follow(e, m, batch.next_obs, x0));

  x0 = key.normal("proposal_base", {rows, c.policy_proposals, size});
  FlowSample own = follow(e, m, batch.obs, x0 * c.base_std);
  Tensor first = reshape(slice(own.action, {0, 0, 0}, {rows, 1, size}),
                         {rows, size}); // (B, A)
  Query query = draw_query(m, first, key, "");
  Tensor velocity = posterior_velocity(e, m, batch.obs, own, query, key);
  losses.actor = actor_loss(e, m, batch.obs, query, velocity);
  losses.others = {divergence_loss(
      e, m, batch.obs, draw_query(m, first, key, "divergence_"), key)};
  m.learner.report(e, "losses/divergence_loss", losses.others[0].loss);
  m.learner.update(e, losses);
}

void init(Entry &e, const Model &m) {
  Key key = m.learner.init(e);
  m.actor.mlp().init(e, key);
  m.divergence.mlp().init(e, key);
  m.divergence_adam.init(e);
}

// acts with one plain sample, evaluates with the best of several
void act(Entry &e, const Model &m, int64_t rows, bool noisy) {
  const EnvSpec &env = m.learner.env();
  Tensor obs = e.input("obs", {rows, env.obs_size});
  Tensor step = e.input("step", {}, Element::count);
  Key key = m.learner.key(e, noisy ? "sample" : "evaluate", step);
  int64_t count = noisy ? 1 : m.config.particles;
  Tensor x0 = key.normal("base", {rows, count, env.action_size});
  Tensor a = follow(e, m, obs, x0 * m.config.base_std).action;
  e.output("action",
           count == 1
               ? reshape(a, {rows, env.action_size})
               : best_candidate(a, value(e, m, m.learner.target(), obs, a)));
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  auto config = read_settings<Config>(json);
  check_request(env, acting);
  config.atoms.check();
  if (config.critics == "categorical")
    config.learner.critic_head = config.atoms.head();
  Program program("mfpo");
  Model model{config, {}, {}, {}, {}};
  const Shape &shape = config.learner.actor;
  model.actor = FlowNetwork(program, "actor", env.obs_size, env.action_size, 2,
                            shape, "fourier");
  model.divergence = FlowNetwork(program, "divergence", env.obs_size,
                                 env.action_size, 2, shape, "fourier", 1);
  model.divergence_adam =
      Adam(program, "divergence", model.divergence.mlp().parameters(),
           config.divergence_rate);
  model.learner =
      Learner(program, config.learner, env, model.actor.mlp().parameters());
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  add_acting(program, acting, [&](Entry &e, int64_t rows, bool noisy) {
    act(e, model, rows, noisy);
  });
  return program;
}

const Registration
    registration({"mfpo", "MeanFlow in two steps, learned average divergence",
                  schema_of<Config>(), nlohmann::json::object(), build});

} // namespace
} // namespace phlox::rl::mfpo
