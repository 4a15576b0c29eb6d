// SAC: soft actor-critic with a squashed Gaussian policy and trained alpha.
// Papers: arXiv 1801.01290v2 (soft policy iteration), 1812.05905v2
// (temperature); no time axis: one network evaluation gives mean and log std.
// Shapes: B batch, O observation, A action, N rows when acting.
// Deviations from the papers, each with its test in sac_test.cpp:
//  1. the temperature's loss is linear in log alpha instead of alpha, as in
//     most public code: same sign, a slope without the factor
//     alpha: LogTemperature
//  2. log(1 - tanh^2 z) is 2 (ln 2 - z - softplus(-2 z)), which stays finite
//     where the direct form is log 0: SquashStable
//  3. log std is clipped to [-20, 2]; the papers leave it free: LogStdClipped
//  4. all updates of a step use gradients at the same parameters; alternating
//     code lets the actor see the critics after their step: OnePoint
#include "rl/algorithms/learner.h"
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace phlox::rl::sac {
namespace {

struct Config {
  LearnerSettings learner;
  double log_std_min = -20, log_std_max = 2; // as in the public reference code

  Config() {
    learner.actor =
        learner.critic = {{256, 256}, "relu", "uniform"}; // 1812.05905, D
    learner.actor_rate = learner.critic_rate = {3e-4, 3e-4, 0, 0};
    learner.temperature.rate = {3e-4, 3e-4, 0, 0};
    learner.temperature.target_entropy_scale = 1; // -A nats
  }
  void visit(Settings &s) {
    learner.visit(s);
    s.real("log_std_min", log_std_min, -20, 20, "least log std");
    s.real("log_std_max", log_std_max, -20, 20, "largest log std");
  }
};

// The policy's network and what it says about one set of states.
struct Policy {
  Mlp network;
  int64_t action_size = 0;
  double log_std_min = 0, log_std_max = 0;

  struct Gaussian {
    Tensor mean, log_std; // (B, A) each, of z = atanh(action)
  };
  Gaussian at(const std::vector<Tensor> &parameters, const Tensor &obs) const {
    Tensor both = network(parameters, obs); // (B, 2 A)
    int64_t rows = obs.extent(0);
    Tensor mean = slice(both, {0, 0}, {rows, action_size});
    Tensor raw = slice(both, {0, action_size}, {rows, action_size});
    return {mean, clip(raw, log_std_min, log_std_max)};
  }
};

struct Model {
  Config config;
  EnvSpec env;
  Policy policy;
  Learner learner;
};

// An action and -log of its density.
struct Draw {
  Tensor action;  // (B, A)
  Tensor entropy; // (B)
};

// a = tanh z, z = mean + std xi; log pi = log N(z) - sum log(1 - a^2)
Draw draw(const Policy::Gaussian &gaussian, const Tensor &xi) {
  Tensor z = gaussian.mean + exp(gaussian.log_std) * xi;
  double constant = 0.5 * std::log(2 * std::numbers::pi);
  Tensor log_density =
      -0.5 * square(xi) - gaussian.log_std - constant - log_tanh_slope(z);
  return {tanh(z), -sum(log_density, -1)};
}

// mean over states of alpha log pi - min Q, through the action
ActorLoss actor_loss(Entry &e, const Model &m, const Tensor &obs,
                     const Key &key) {
  auto parameters = m.policy.network.parameters().read(e);
  Tensor xi = key.normal("policy_base", {obs.extent(0), m.env.action_size});
  Draw now = draw(m.policy.at(parameters, obs), xi);
  Tensor alpha = m.learner.temperature().value(e);
  Tensor q = m.learner.score(e, obs, now.action);
  Tensor loss = mean(-(alpha * now.entropy) - q);
  return {loss, grad(loss, parameters)};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");

  // a' ~ pi(. | s') and its entropy; the target takes no gradient
  auto policy = m.policy.network.parameters().read(e);
  Tensor xi = key.normal("base", batch.action.shape());
  Draw next = draw(m.policy.at(policy, batch.next_obs), xi);
  Losses losses = m.learner.losses(e, batch, stopgradient(next.action),
                                   stopgradient(next.entropy));
  losses.actor = actor_loss(e, m, batch.obs, key);
  m.learner.update(e, losses);
}

void init(Entry &e, const Model &m) {
  Key key = m.learner.init(e);
  m.policy.network.init(e, key);
}

// acts with noise, evaluates at the mode of z
void act(Entry &e, const Model &m, int64_t rows, bool noisy) {
  Tensor obs = e.input("obs", {rows, m.env.obs_size});
  Tensor step = e.input("step", {}, Element::count);
  auto policy = m.policy.network.parameters().read(e);
  Policy::Gaussian gaussian = m.policy.at(policy, obs);
  Tensor z = gaussian.mean;
  if (noisy) {
    Key key = m.learner.key(e, "sample", step);
    z = z + exp(gaussian.log_std) *
                key.normal("exploration", {rows, m.env.action_size});
  }
  e.output("action", tanh(z));
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  auto config = read_settings<Config>(json);
  check_request(env, acting);
  if (config.log_std_min > config.log_std_max)
    throw SettingsError(fmt::format(
        "key 'log_std_min' must be at most 'log_std_max': got {} and {}",
        config.log_std_min, config.log_std_max));
  Program program("sac");
  Model model{config, env, {}, {}};
  model.policy = {Mlp(program, "actor", env.obs_size, config.learner.actor,
                      2 * env.action_size),
                  env.action_size, config.log_std_min, config.log_std_max};
  model.learner =
      Learner(program, config.learner, env, model.policy.network.parameters());
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  add_acting(program, acting, [&](Entry &e, int64_t rows, bool noisy) {
    act(e, model, rows, noisy);
  });
  return program;
}

// What the baseline of lzqw/FLAME@35df7a3 uses where it differs. Not followed:
// its log-density leaves out the slope of tanh, so that its entropy is that of
// the Gaussian before it.
const nlohmann::json published = {{"actor.hidden", {256, 256, 256}},
                                  {"actor.activation", "gelu"},
                                  {"critic.hidden", {256, 256, 256}},
                                  {"critic.activation", "gelu"},
                                  {"reward_scale", 0.2},
                                  {"alpha.initial", std::numbers::e},
                                  {"log_std_max", 0.5}};

const Registration registration({"sac",
                                 "soft actor-critic, squashed Gaussian policy",
                                 schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::sac
