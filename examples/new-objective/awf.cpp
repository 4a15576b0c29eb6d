// AWF: advantage-weighted flow matching on stored actions.
// Let mu be the distribution of the actions that were stored for a state. The
// policy that maximises E_pi Q - beta KL(pi | mu) is mu exp(A / beta) / Z (Peng
// et al. 2019, arXiv 1910.00177, section 3), and the replay memory holds
// samples of mu: weighted, they train a flow towards that policy.
//
//     y    = r + discount min Q'(s', a'),         a' ~ the averaged policy
//     A    = min Q(s, a) - mean_k min Q(s, a_k),  a_k ~ the averaged policy
//     w    = min(exp(A / beta), weight_max)
//     L_pi = mean of w (v(s, x, t) - (a - base_std e))^2
//     x    = t a + (1 - t) base_std e
//
// Time: t = 0 noise, t = 1 action. Shapes: B batch, A action, K proposals.
#include "rl/algorithms/candidates.h"
#include "rl/algorithms/flow_policy.h"
#include "rl/algorithms/sampled_policy.h"
#include <cmath>

namespace {

using namespace phlox;
using namespace phlox::rl;

struct Config {
  LearnerSettings learner;
  SampledSettings sampled;
  SolverSettings solver;
  double base_std = 0.5, beta = 1, weight_max = 20;

  Config() {
    learner.soft = sampled.tempered = false; // beta holds the policy instead
    sampled.proposals = 8;
    sampled.particles = 1;
    solver.nfe = 4;
  }
  void visit(Settings &s) {
    learner.visit(s);
    sampled.visit(s);
    solver.visit(s);
    s.real("base_std", base_std, 1e-6, 1e6,
           "standard deviation of the noise at t = 0");
    s.real("beta", beta, 1e-6, 1e6, "temperature of the weights, in rewards");
    s.real("weight_max", weight_max, 1, 1e6, "largest weight of an action");
  }
};

struct Model {
  Config config;
  FlowActor actor; // v(obs, x, t), and its average
  Learner learner;
};

// the averaged policy, which acts; in the box
DrawActions averaged(Entry &e, const Model &m) {
  Config c = m.config;
  auto parameters = m.actor.average.mlp().parameters().read(e);
  MakeFlow flow = velocity_policy(m.actor.average, parameters, c.solver.solver);
  return [=](const Tensor &obs, const Extents &shape, const Key &key,
             const std::string &stream) {
    Tensor noise = key.normal(stream, shape) * c.base_std;
    return clip(integrate(flow(obs), noise, c.solver.steps()), -1, 1);
  };
}

// exp(A / beta) of the stored actions, bounded (B)
Tensor weigh(Entry &e, const Model &m, const Transitions &batch,
             const Key &key) {
  const Config &c = m.config;
  Tensor others = averaged(e, m)(
      batch.obs,
      {batch.obs.extent(0), c.sampled.proposals, batch.action.extent(1)}, key,
      "proposal"); // (B, K, A)
  Tensor value = mean(m.learner.score(e, batch.obs, others), 1);
  Tensor advantage = m.learner.score(e, batch.obs, batch.action) - value;
  return stopgradient(exp(min(advantage / c.beta, std::log(c.weight_max))));
}

ActorLoss policy_loss(Entry &e, const Model &m, const Transitions &batch,
                      const Tensor &weights, const Key &key) {
  auto parameters = m.actor.network.mlp().parameters().read(e);
  LinePoint point = line_point(expand(batch.action, 1), m.config.base_std, key);
  Tensor v = m.actor.network(parameters, batch.obs, point.x, {point.t});
  Tensor error = mean(square(v - point.velocity), {1, 2}); // (B)
  Tensor loss = mean(weights * error);
  return {loss, grad(loss, parameters)};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  Losses losses =
      begin_step(e, m.learner, m.config.sampled, averaged(e, m), batch, key);
  Tensor weights = weigh(e, m, batch, key);
  losses.actor = policy_loss(e, m, batch, weights, key);
  m.learner.report(e, "losses/weight_mean", mean(weights));
  m.learner.update(e, losses);
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  auto config = read_settings<Config>(json);
  check_request(env, acting);
  config.solver.check();
  Program program("awf");
  Model m{config, {}, {}};
  m.actor = FlowActor(program, env, 1, config.learner.actor, "fourier");
  m.learner = m.actor.learner(program, config.learner, env);
  program.entry("init", [&](Entry &e) { m.actor.init(e, m.learner.init(e)); });
  program.entry("train_step", [&](Entry &e) { train_step(e, m); });
  add_acting(program, acting, env, m.learner, config.sampled,
             [&](Entry &e) { return averaged(e, m); });
  return program;
}

const Registration registration({"awf",
                                 "flow matching on weighted stored actions",
                                 schema_of<Config>(),
                                 {},
                                 build});

} // namespace
