// ISFM: maximum-entropy RL with a flow policy, trained by importance-sampling
// flow matching: the target exp(Q / alpha) is known up to a factor, so samples
// of any distribution of known density, weighted, stand for samples of it.
// Paper: arXiv 2512.23870.
// Time: t = 0 noise, t = 1 action; x_t = t a + (1 - t) base_std e.
// Shapes: B batch, O observation, A action, K proposals, J resampled, P
// particles.
//
//     y    = r + discount (min Q'(s', a') + alpha h'),  h' = -log pi(a' | s')
//     L_Q  = sum over both critics of mean (Q(s, a) - y)^2
//     a_k  ~ q(. | s)
//     w_k  = softmax_k (min Q(s, a_k) / alpha - log q(a_k | s))
//     L_pi = mean of (v(s, x, t) - (a_j - base_std e))^2, j drawn as w says
//     L    = log alpha (mean h' - target entropy)
//
// h' follows from the instantaneous change of variables along the sampler's
// path, and so does log q where q is the policy. Regressing on resampled
// actions has the gradient of the weighted sum over all K in expectation, at
// J / K of its rows. Against reverse sampling of clean actions: one set of
// weights per state serves all times, and q may be anything.
// Where the paper leaves a choice, or this file takes another, with its test in
// isfm_test.cpp:
//  1. the target lives on the box, so a proposal's draw that leaves it gets no
//     weight instead of being moved to the face: OutsideHasNoWeight
//  2. weights sum to 1 for each state. The plain ones differ between states by
//     Z(s) = E_q exp(Q / alpha) / q, which changes how states share the loss
//     but not its minimum; they are divided by their mean over the batch, for
//     exp(Q / alpha) overflows: PlainWeights
//  3. a policy narrower than sqrt(1/2) of its target has weights of infinite
//     variance and confirms itself; by default above 3 dimensions half of the
//     proposals come from the box, with the density of the mixture for all of
//     them: DefensiveMixture
//  4. proposals of the policy take fewer steps than actions do, and their
//     density is estimated along the steps taken. Only the entropy estimator
//     `logdet` gives the density of those steps themselves; `div` integrates
//     the divergence at the same points, so weights carry its discretisation
//     error: ProposalSteps
//  5. the Gaussian is truncated to the box, with that density: Truncated
//  6. divergences of proposals are exact up to proposal_probes dimensions and
//     have that many probes above. One probe's noise costs the policy's own
//     proposals samples; a mixture it also biases towards the policy, whose q
//     it makes small by chance while the box's part stays. Of 64 proposals in 6
//     dimensions, turned against the box, half from a policy of the target's
//     width, a share of 0.31 counts, not 0.51, and the second moment is 0.98 of
//     the target's; at 0.7 of the width it is 0.87, not 0.95. Four probes leave
//     shares of 0.43, moments of 0.99 and 0.93 (proposal_trace_test.cpp) at 1.8
//     times the operations of the step, 2.3 by exact traces: ProposalProbes
#include "rl/algorithms/candidates.h"
#include "rl/algorithms/flow_policy.h"

namespace phlox::rl::isfm {
namespace {

struct Config {
  LearnerSettings learner;
  FlowSettings flow;
  SolverSettings solver;
  std::string proposal = "auto", weights = "normalised";
  double proposal_std = 0.5, box_share = 0.5;
  int64_t proposal_steps = 4, proposal_probes = 4, resampled = 4;

  Config() {
    // as for the other flow policies, so that they can be compared
    learner.reward_scale = 0.2;
    learner.actor_every = 2;
    learner.actor_rate = {3e-4, 3e-5, 25'000, 50'000};
    learner.temperature.rate = {5e-3, 5e-3, 0, 0};
    learner.temperature.every = 100;
    learner.temperature.floor = 1e-3; // against saturated weights
    learner.temperature.target_entropy_scale = 3;
    flow.proposals = 64;
  }
  void visit(Settings &s) {
    learner.visit(s);
    flow.visit(s, {"fourier", "sin1", "sin1000"},
               {"div", "logdet", "trace_disp", "div_reverse"});
    solver.visit(s);
    s.choice("proposal", proposal,
             {"auto", "box", "gaussian", "policy", "mixture"},
             "where proposals come from; auto: box up to 3 action dimensions, "
             "mixture above");
    s.real("proposal_std", proposal_std, 1e-3, 1e3,
           "standard deviation of the Gaussian proposal, inside the box");
    s.real("box_share", box_share, 1e-6, 1 - 1e-6,
           "share of a mixture's proposals that come from the box, one of each "
           "kind at least; proposals 'policy' and 'box' are all of one");
    s.integer("proposal_steps", proposal_steps, 0, 1024,
              "steps of the solver for proposals of the policy, 0: all");
    s.integer("proposal_probes", proposal_probes, 1, 1024,
              "probes per divergence in the density of the policy's proposals; "
              "exact where actions have no more dimensions");
    s.choice("weights", weights, {"normalised", "plain"},
             "sum to 1 per state, or in proportion to exp(Q / alpha) / q");
    s.integer("resampled", resampled, 0, 64,
              "actions drawn by weight per state, 0: all, weighted");
  }
  void check() const { solver.check(); }
  // the proposal for a task's number of action dimensions
  std::string proposal_for(int64_t action_size) const {
    if (proposal != "auto")
      return proposal;
    return action_size <= 3 ? "box" : "mixture";
  }
};

struct Model {
  Config config;
  FlowActor actor; // v(obs, x, t)
  Learner learner;
};

// actions of the chosen distribution, and their log-density
Candidates propose(Entry &e, const Model &m, const Tensor &obs,
                   const Key &key) {
  const Config &c = m.config;
  int64_t size = m.learner.env().action_size, count = c.flow.proposals;
  std::string kind = c.proposal_for(size);
  if (kind == "box")
    return box_candidates({obs.extent(0), count, size}, key);
  if (kind == "gaussian")
    return gaussian_candidates({obs.extent(0), count, size}, c.proposal_std,
                               key);
  // the averaged policy moves slowly, as a proposal should
  auto average = m.actor.average.mlp().parameters().read(e);
  FlowProposal policy;
  policy.policy = velocity_policy(m.actor.average, average, c.solver.solver);
  policy.action_size = size;
  policy.steps = c.proposal_steps != 0 ? c.proposal_steps : c.solver.steps();
  policy.base_std = c.flow.base_std;
  policy.density_std = c.flow.std_in_density();
  policy.entropy = c.flow.entropy;
  policy.entropy.steps = 0; // the density of the very steps
  policy.entropy.probes = c.proposal_probes;
  if (size <= c.proposal_probes)
    policy.entropy.trace = "exact";
  if (kind == "policy")
    return policy_candidates(policy, obs, count, key);
  return mixture_candidates(policy, obs, count, c.box_share, key);
}

// flow matching on actions that stand for samples of exp(Q / alpha)
ActorLoss policy_loss(Entry &e, const Model &m, const Transitions &batch,
                      const Candidates &proposals, const Importance &found,
                      const Key &key) {
  const Config &c = m.config;
  bool all = c.resampled == 0;
  Tensor actions = all ? proposals.actions
                       : resample(proposals.actions, found.weights, c.resampled,
                                  key); // (B, J, A)
  LinePoint point = line_point(actions, c.flow.base_std, key);
  auto parameters = m.actor.network.mlp().parameters().read(e);
  Tensor v = m.actor.network(parameters, batch.obs, point.x, {point.t});
  Tensor error = mean(square(v - point.velocity), 2); // (B, J)
  Tensor rows = all ? sum(found.weights * error, 1) : mean(error, 1);
  if (c.weights == "plain") // Z(s) over its mean
    rows = rows * softmax(found.evidence, 0) *
           static_cast<double>(batch.obs.extent(0));
  Tensor loss = mean(rows);
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

  // weights by the critics before their step
  Candidates proposals = propose(e, m, batch.obs, key);
  Importance found =
      importance(m.learner.score(e, batch.obs, proposals.actions), proposals,
                 m.learner.temperature().value(e));
  losses.actor = policy_loss(e, m, batch, proposals, found, key);

  m.learner.report(e, "losses/flow_loss", losses.actor.loss);
  report_weights(e, m.learner, found.weights);
  if (c.proposal_for(batch.action.extent(1)) == "mixture") {
    // what the box's part carries, which comes after the policy's
    int64_t rows = batch.obs.extent(0), count = c.flow.proposals;
    int64_t box = box_count(count, c.box_share);
    m.learner.report(
        e, "losses/box_weight",
        mean(sum(slice(found.weights, {0, count - box}, {rows, box}), 1)));
  }
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
  config.check();
  Program program("isfm");
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

// the weighted sum itself; other settings of the paper are not known
const nlohmann::json published = {{"resampled", 0}};

const Registration registration(
    {"isfm", "flow policy, flow matching on importance-weighted actions",
     schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::isfm
