// TD3: a deterministic policy with twin critics, smoothed targets and delayed
// updates of the policy.
// Paper: arXiv 1802.09477v3; no time axis: one network evaluation gives the
// action.
// Shapes: B batch, O observation, A action, N rows when acting.
//
//     a'   = clip(mu'(s') + clip(target_std e, -target_clip, target_clip))
//     y    = r + discount min Q'(s', a')
//     L_Q  = sum over both critics of mean (Q(s, a) - y)^2, every step
//     L_mu = -mean Q_1(s, mu(s)), and the averages mu', Q', every actor.every
//
// with e ~ N(0, 1), all clipped to the box, and mu = tanh of a network. The
// smaller of two critics counters overestimation; noise on the target action
// makes close actions close in value; critics that settle before the policy
// moves keep its gradient from following their errors.
// Deviations from the paper, each with its test in td3_test.cpp:
//  1. all updates of a step use gradients at the same parameters; in the
//     paper's algorithm the actor sees the critics after their step: OnePoint
//  2. counting starts at 0, so the first of actor.every steps moves the actor,
//     not the last: DelayedUpdates
//  3. networks, rates and batch are those of the soft baseline here, two layers
//     of 256, 3e-4 and 256, so that both can be compared; the paper has 400 and
//     300, 1e-3 and 100: PaperSettings
//  4. noise is in units of the box, where the paper's tasks have theirs: the
//     same where actions reach from -1 to 1: NoiseInTheBox
#include "rl/algorithms/learner.h"

namespace phlox::rl::td3 {
namespace {

struct Config {
  LearnerSettings learner;
  double exploration_std = 0.1; // 6.1
  double target_std = 0.2, target_clip = 0.5;

  Config() {
    learner.soft = false;
    learner.actor = learner.critic = {{256, 256}, "relu", "uniform"};
    learner.actor_rate = learner.critic_rate = {3e-4, 3e-4, 0, 0};
    learner.actor_every = 2; // d
  }
  void visit(Settings &s) {
    learner.visit(s);
    s.real("exploration_std", exploration_std, 0, 1e3,
           "standard deviation of the noise on actions when exploring");
    s.real("target_std", target_std, 0, 1e3,
           "standard deviation of the noise on the target's action");
    s.real("target_clip", target_clip, 0, 1e3,
           "largest size of the noise on the target's action");
  }
};

struct Model {
  Config config;
  EnvSpec env;
  Mlp actor, target_actor; // before tanh
  Learner learner;
};

// mu(s) under some parameters, in the box
Tensor policy(Entry &e, const Mlp &network, const Tensor &obs) {
  return tanh(network(network.parameters().read(e), obs)); // (B, A)
}

// an action near the target policy's, for the critics' target alone
Tensor smoothed_action(Entry &e, const Model &m, const Tensor &obs,
                       const Key &key) {
  const Config &c = m.config;
  Tensor mu = policy(e, m.target_actor, obs);
  Tensor noise = key.normal("base", mu.shape()) * c.target_std;
  return stopgradient(
      clip(mu + clip(noise, -c.target_clip, c.target_clip), -1, 1));
}

// deterministic policy gradient through the first critic
ActorLoss actor_loss(Entry &e, const Model &m, const Tensor &obs) {
  auto parameters = m.actor.parameters().read(e);
  Tensor action = tanh(m.actor(parameters, obs));
  const TwinCritic &critic = m.learner.critic();
  Tensor q = critic.value(0, critic.parameters().read(e), obs, action);
  Tensor loss = -mean(q);
  return {loss, grad(loss, parameters)};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  Losses losses =
      m.learner.losses(e, batch, smoothed_action(e, m, batch.next_obs, key));
  losses.actor = actor_loss(e, m, batch.obs);
  m.learner.update(e, losses);
}

void init(Entry &e, const Model &m) {
  Key key = m.learner.init(e);
  m.actor.init(e, key);
  m.target_actor.assign(e, m.actor);
}

// the trained policy, not its average; with noise to explore
void act(Entry &e, const Model &m, int64_t rows, bool noisy) {
  Tensor obs = e.input("obs", {rows, m.env.obs_size});
  Tensor step = e.input("step", {}, Element::count);
  Tensor action = policy(e, m.actor, obs);
  if (noisy) {
    Key key = m.learner.key(e, "sample", step);
    Tensor noise = key.normal("exploration", action.shape());
    action = clip(action + noise * m.config.exploration_std, -1, 1);
  }
  e.output("action", action);
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  auto config = read_settings<Config>(json);
  check_request(env, acting);
  Program program("td3");
  Model model{config, env, {}, {}, {}};
  model.actor = Mlp(program, "actor", env.obs_size, config.learner.actor,
                    env.action_size);
  model.target_actor = model.actor.copy(program, "target_actor");
  model.learner =
      Learner(program, config.learner, env, model.actor.parameters(),
              model.target_actor.parameters());
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  for (int rows : acting) {
    std::string suffix = "_" + std::to_string(rows);
    program.entry("sample" + suffix,
                  [&](Entry &e) { act(e, model, rows, true); });
    program.entry("evaluate" + suffix,
                  [&](Entry &e) { act(e, model, rows, false); });
  }
  return program;
}

// the paper's table of settings
const nlohmann::json published = {{"batch", 100},
                                  {"actor.hidden", {400, 300}},
                                  {"actor.lr", 1e-3},
                                  {"actor.lr_final", 1e-3},
                                  {"critic.hidden", {400, 300}},
                                  {"critic.lr", 1e-3},
                                  {"critic.lr_final", 1e-3}};

const Registration
    registration({"td3", "deterministic policy, twin critics, delayed updates",
                  schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::td3
