// FLAME-M: maximum-entropy RL with a MeanFlow policy that acts in one step,
// trained by Q-reweighted regression on the posterior of clean actions.
// Papers: arXiv 2602.01606; MeanFlow identity arXiv 2505.13447.
// Time: t = 0 noise, t = 1 action; x_t = t a + (1 - t) base_std e, and
// x_r = x_t + (r - t) U(x_t, t, r): U = v + (r - t) dU/dt along the path.
// Shapes: B batch, O observation, A action, K proposals, P particles.
// --as-published takes the code's side in all of these, and in those that the
// rectified flow shares (flame_r.cpp, 5 and 8 to 12).
// Deviations from lzqw/FLAME@35df7a3, each with its test in flame_m_test.cpp:
//  1. the target adds alpha * entropy, the code subtracts it: SoftTargetSign
//  2. one base_std in path, bounds and density, the code has two: BaseStd
//  3. one time axis in path, tangents and sampler; the code's path has the
//     action at 1, its tangents and sampler the noise, so that the corner the
//     sampler uses is trained on points next to the data: TimeAxis
//  4. a segment moves x by (r - t) U, the code by U: SegmentScale
//  5. weights use the temperature, the code exp(max(alpha, 1e-5)), which is
//     never below 1: WeightTemperature
//  6. r = t for half of the rows, which anchors the velocity: EqualTimes
//  7. no gradient of the critics in the policy loss (q_coef = 0): QCoef
//  8. entropy by the determinant of the one step, exact for it, of the same
//     sample as the action: EntropyOfSample. The code expands it to first
//     order over three segments of another sample, traces up to 10: OwnEntropy
//  9. times are read as t and sinusoids of whole periods; the code's leave most
//     channels nearly constant: FourierTimes
// 10. one optimiser step per gradient and critics before their step in the
//     weights; the code takes two, the critics after the first: WeightsCritic
// 11. a fixed temperature keeps its entropy in the target: FixedAlphaEntropy
#include "rl/algorithms/flow_policy.h"

namespace phlox::rl::flame_m {
namespace {

struct Config {
  LearnerSettings learner;
  FlowSettings flow;
  int64_t nfe = 1;        // segments per sample
  double r_equal_t = 0.5; // share of rows with r = t
  double adaptive_p = 0;  // power of the loss weight; 0: none
  double q_coef = 0;      // of -Q at a one-step action, as there 1
  std::string meanflow_time = "unified", segment_scale = "interval";
  bool fixed_alpha_entropy = true;

  Config() {
    // command-line defaults there, except the base's
    learner.reward_scale = 0.2;
    learner.actor_every = 2;
    learner.actor_rate = {3e-4, 3e-5, 25'000, 50'000};
    learner.temperature.rate = {5e-3, 5e-3, 0, 0};
    learner.temperature.every = 100;
    learner.temperature.floor = 1e-3; // against saturated weights
    learner.temperature.target_entropy_scale = 3;
    flow.entropy.estimator = "logdet";
  }
  void visit(Settings &s) {
    learner.visit(s);
    // 1000 t would enter dU/dt with its factor
    flow.visit(s, {"fourier", "sin1"}, {"logdet", "div", "trace_disp"});
    flow.visit_path(s);
    s.integer("nfe", nfe, 1, 1024, "network evaluations per sampled action");
    s.real("r_equal_t", r_equal_t, 0, 1, "share of rows with r = t");
    s.real("adaptive_p", adaptive_p, 0, 4,
           "power of the loss weight 1 / (squared error + 1e-3)");
    s.real("q_coef", q_coef, 0, 1e6,
           "weight of -Q at a one-step action in the policy loss");
    s.choice("meanflow_time", meanflow_time, {"unified", "opposed"},
             "time of tangents and sampler: that of the path, or as published "
             "the opposite one");
    s.choice("segment_scale", segment_scale, {"interval", "one"},
             "how far a segment moves: its length in time times the average "
             "velocity, or as published that itself");
    s.flag("fixed_alpha_entropy", fixed_alpha_entropy,
           "entropy in the target if alpha.fixed; none as published code");
  }
};

struct Model {
  Config config;
  FlowActor actor; // U(obs, x, t, r)
  Learner learner;
};

MakeFlow policy(const Config &c, const FlowNetwork &network,
                const std::vector<Tensor> &parameters) {
  bool opposed = c.meanflow_time == "opposed";
  bool whole = c.segment_scale == "one";
  return [=](const Tensor &obs) {
    auto u = [=](const Tensor &x, const Tensor &t, const Tensor &r) {
      return opposed ? network(parameters, obs, x, {1 - t, 1 - r})
                     : network(parameters, obs, x, {t, r});
    };
    Flow flow = mean_velocity_flow(u);
    if (whole)
      flow.displace = [=](const Tensor &x, const Tensor &t, double h) {
        return u(x, t, t + h);
      };
    return flow;
  };
}

// a point on the path and the time r that its average velocity leads to
struct Query {
  PathPoint point;
  Tensor r; // (B, 1)
};

Query draw_query(const Model &m, const Transitions &batch, const Key &key) {
  const FlowSettings &flow = m.config.flow;
  int64_t rows = batch.action.extent(0);
  Tensor u = key.uniform("time", {rows, 3});
  auto column = [&](int64_t i) { return slice(u, {0, i}, {rows, 1}); };
  Tensor early = min(column(0), column(1)), late = max(column(0), column(1));
  bool opposed = m.config.meanflow_time == "opposed";
  Tensor t = clip(opposed ? late : early, flow.time_min, flow.time_max);
  // r reaches 1, where the sampler asks, or opposed 0
  Tensor r = select(column(2) < m.config.r_equal_t, t,
                    opposed ? min(early, t) : max(late, t));
  return {path_point(flow, batch.action, t, key), r};
}

// -Q at a one-step action, through the action alone
Tensor critic_term(Entry &e, const Model &m, const std::vector<Tensor> &actor,
                   const Tensor &obs, const Key &key) {
  Tensor x0 =
      key.normal("policy_base", {obs.extent(0), m.learner.env().action_size}) *
      m.config.flow.base_std;
  Tensor action = clip(
      integrate(policy(m.config, m.actor.network, actor)(obs), x0, 1), -1, 1);
  const TwinCritic &target = m.learner.target();
  return -mean(target.least(target.parameters().read(e), obs, action));
}

// what the regression gave beside the loss
struct PolicyLoss {
  ActorLoss actor;
  Tensor flow_loss, tangent; // (), (B, A)
};

// MeanFlow identity: forward mode along the path, then detached, so that
// reverse mode runs through U alone; with r = t it is flow matching
PolicyLoss policy_loss(Entry &e, const Model &m, const Transitions &batch,
                       const Query &query, const Tensor &velocity,
                       const Key &key) {
  const Config &c = m.config;
  const auto &[x, t] = query.point;
  const Tensor &r = query.r;
  auto parameters = m.actor.network.mlp().parameters().read(e);
  Tensor u = m.actor.network(parameters, batch.obs, x, {t, r}); // (B, A)
  // opposed times run from the action on, while v does not
  Tensor dx = c.meanflow_time == "opposed" ? -velocity : velocity;
  Tensor du = jvp(u, {x, t, r}, {dx, 1, 0}); // (B, A)
  Tensor error = u - stopgradient(velocity + (r - t) * du);
  Tensor rows = mean(square(error), 1); // (B)
  if (c.adaptive_p > 0)
    rows = rows * stopgradient(pow(rows + 1e-3, -c.adaptive_p));
  PolicyLoss result;
  result.flow_loss = mean(rows);
  result.tangent = du;
  Tensor loss = result.flow_loss;
  if (c.q_coef > 0)
    loss = loss + c.q_coef * critic_term(e, m, parameters, batch.obs, key);
  result.actor = {loss, grad(loss, parameters)};
  return result;
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  const Config &c = m.config;

  auto actor = m.actor.network.mlp().parameters().read(e);
  Losses losses =
      begin_step(e, m.learner, c.flow, policy(c, m.actor.network, actor), c.nfe,
                 batch, key);

  // the velocity to pi* ~ exp(Q / alpha) by the old critics, then its average
  Query query = draw_query(m, batch, key);
  Posterior posterior =
      posterior_at(e, m.learner, c.flow, losses, batch.obs, query.point, key);
  PolicyLoss found = policy_loss(e, m, batch, query, posterior.velocity, key);
  losses.actor = found.actor;

  m.learner.report(e, "losses/flow_loss", found.flow_loss);
  m.learner.report(e, "losses/tangent_norm", sqrt(mean(square(found.tangent))));
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
  if (config.learner.temperature.fixed && !config.fixed_alpha_entropy)
    config.learner.entropy_sign = 0;
  Program program("flame-m");
  Model model{config, {}, {}};
  model.actor =
      FlowActor(program, env, 2, config.learner.actor, config.flow.embedding);
  model.learner = model.actor.learner(program, config.learner, env);
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  add_acting(program, acting, env, model.learner, config.flow, config.nfe,
             [&](Entry &e, const Tensor &obs) {
               const FlowNetwork &average = model.actor.average;
               return policy(config, average,
                             average.mlp().parameters().read(e))(obs);
             });
  return program;
}

const nlohmann::json published = {{"entropy_sign", -1},
                                  {"path_std", 1.0},
                                  {"density_std", 1.0},
                                  {"rank_clipped", false},
                                  {"target_particles", 32},
                                  {"embedding", "sin1"},
                                  {"entropy.steps", 3},
                                  {"entropy.estimator", "trace_disp"},
                                  {"entropy.probe", "normal"},
                                  {"entropy.one_probe", true},
                                  {"entropy.trace_clip", 10.0},
                                  {"entropy.sample", "own"},
                                  {"r_equal_t", 0.0},
                                  {"q_coef", 1.0},
                                  {"meanflow_time", "opposed"},
                                  {"segment_scale", "one"},
                                  {"fixed_alpha_entropy", false},
                                  {"critic.steps", 2},
                                  {"weights_critic", "after"},
                                  {"weight_temperature", "exp"},
                                  {"alpha.floor", 0.0},
                                  {"weight_floor", 1e-5},
                                  {"truncnorm", "one_sided"},
                                  {"target_noise", true},
                                  {"clip_noise", false},
                                  {"fixed_alpha_noise", "constant"}};

const Registration registration({"flame-m",
                                 "MeanFlow in one step, regression reweighted "
                                 "by the critics",
                                 schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::flame_m
