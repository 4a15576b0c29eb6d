// FLAME-R: maximum-entropy RL with a rectified flow, trained by Q-reweighted
// regression on the posterior of clean actions.
// Paper: arXiv 2602.01606.
// Time: t = 0 noise, t = 1 action; x_t = t a + (1 - t) base_std e.
// Shapes: B batch, O observation, A action, K proposals, P particles.
//
//     y    = r + discount (min Q'(s', a') + alpha h'),  h' = -log pi(a' | s')
//     L_Q  = sum over both critics of mean (Q(s, a) - y)^2
//     a_k  ~ p(a | x) without exp(Q / alpha): Gaussian truncated to the box
//     w_k  = softmax_k (min Q(s, a_k) / alpha)
//     L_pi = mean (v(s, x, t) - (sum_k w_k a_k - x) / (1 - t))^2
//     L    = log alpha (mean h' - target entropy)
//
// The least squares solution is E[(a - x) / (1 - t) | x_t = x] for a ~ pi*, the
// velocity that carries noise to pi* ~ exp(Q / alpha).
// --as-published takes the code's side in all of these.
// Deviations from lzqw/FLAME@35df7a3, each with its test in flame_r_test.cpp:
//  1. the target adds alpha * entropy, the code subtracts it: SoftTargetSign
//  2. one base_std in path, bounds and density, the code has two: BaseStd
//  3. one regression on the proposals' weighted mean, the same gradient as K
//     regressions, summed over K instead of averaged: MeanProposal
//  4. the noisy action is not clipped to the box, which the sampler leaves at
//     small t: PathLeavesTheBox
//  5. the target takes a plain sample and its own entropy, the code the best of
//     32 with noise, and the entropy found by integrating back: TargetNoise
//  6. entropy by the divergence on the sampler's own path at midpoints, with
//     signs drawn per step; the code goes backward at right points with one
//     Gaussian probe for all steps: EntropyOnThePath
//  7. midpoint steps instead of Euler's, which lose spread: Solver
//  8. particles are clipped before the critics rank them: RankClipped
//  9. the temperature's floor holds in target, weights and noise, the code's in
//     the weights alone: WeightFloor
// 10. truncated normal noise by its inverse in the nearer tail; the code's,
//     taken from below, gives ends of far intervals: OneSided
// 11. a fixed temperature explores as a trained one of its value and evaluates
//     without noise; the code's noise is then e^0.1, in evaluation too, and 0.1
//     in the target: FixedAlphaNoise
// 12. noisy actions are clipped; the code's are not, in the target either. The
//     trainer clips what the environment and the replay get: ClipNoise
#include "rl/algorithms/flow_policy.h"

namespace phlox::rl::flame_r {
namespace {

struct Config {
  LearnerSettings learner;
  FlowSettings flow;
  SolverSettings solver;           // midpoint; as many evaluations as there
  std::string k_reduction = "sum"; // over the K proposals

  Config() {
    // command-line defaults there, except the base's
    learner.reward_scale = 0.2;
    learner.actor_every = 2;
    learner.actor_rate = {3e-4, 3e-5, 25'000, 50'000};
    learner.temperature.rate = {5e-3, 5e-3, 0, 0};
    learner.temperature.every = 100;
    learner.temperature.floor = 1e-3; // against saturated weights
    learner.temperature.target_entropy_scale = 3;
  }
  void visit(Settings &s) {
    learner.visit(s);
    flow.visit(s, {"fourier", "sin1", "sin1000"},
               {"div", "logdet", "trace_disp", "div_reverse"});
    flow.visit_path(s);
    solver.visit(s);
    s.choice("k_reduction", k_reduction, {"sum", "mean"},
             "loss over the proposals: their sum, or as published their mean");
  }
};

struct Model {
  Config config;
  FlowActor actor; // v(obs, x, t)
  Learner learner;
};

// t ~ U(time_min, time_max) per row, x on the path to the stored action
PathPoint draw_point(const Model &m, const Transitions &batch, const Key &key) {
  const FlowSettings &flow = m.config.flow;
  Tensor u = key.uniform("time", {batch.action.extent(0), 1});
  Tensor t = flow.time_min + (flow.time_max - flow.time_min) * u;
  return path_point(flow, batch.action, t, key);
}

// flow matching on the posterior mean velocity: K targets share one query point
ActorLoss policy_loss(Entry &e, const Model &m, const Transitions &batch,
                      const PathPoint &point, const Posterior &posterior) {
  auto parameters = m.actor.network.mlp().parameters().read(e);
  Tensor v =
      m.actor.network(parameters, batch.obs, point.x, {point.t}); // (B, A)
  Tensor loss = mean(square(v - stopgradient(posterior.velocity)));
  if (m.config.k_reduction == "mean")
    loss = loss * (1. / static_cast<double>(m.config.flow.proposals));
  return {loss, grad(loss, parameters)};
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

  // where pi* ~ exp(Q / alpha) would send noisy actions, by the old critics
  PathPoint point = draw_point(m, batch, key);
  Posterior posterior =
      posterior_at(e, m.learner, c.flow, losses, batch.obs, point, key);
  losses.actor = policy_loss(e, m, batch, point, posterior);

  m.learner.report(e, "losses/flow_loss", losses.actor.loss);
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
  config.flow.check_path();
  config.solver.check();
  Program program("flame-r");
  Model model{config, {}, {}};
  model.actor =
      FlowActor(program, env, 1, config.learner.actor, config.flow.embedding);
  model.learner = model.actor.learner(program, config.learner, env);
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  add_acting(program, acting, env, model.learner, config.flow, config.solver,
             model.actor.average);
  return program;
}

const nlohmann::json published = {
    {"entropy_sign", -1},        {"path_std", 1.0},
    {"density_std", 1.0},        {"clip_path", true},
    {"rank_clipped", false},     {"target_particles", 32},
    {"k_reduction", "mean"},     {"embedding", "sin1"},
    {"solver", "euler"},         {"nfe", 20},
    {"entropy.steps", 20},       {"entropy.estimator", "div_reverse"},
    {"entropy.probe", "normal"}, {"entropy.one_probe", true},
    {"alpha.floor", 0.0},        {"weight_floor", 1e-3},
    {"truncnorm", "one_sided"},  {"target_noise", true},
    {"clip_noise", false},       {"fixed_alpha_noise", "constant"}};

const Registration registration(
    {"flame-r", "rectified flow, regression reweighted by the critics",
     schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::flame_r
