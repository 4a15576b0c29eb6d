// SAC-Flow: soft actor-critic whose policy is a short flow of gated steps with
// noise, trained by the critics' gradient through all of them.
// Paper: arXiv 2509.25756 (the gated form, Flow-G).
// Time: t = 0 noise, t = 1 latent action z, action = tanh z.
// Shapes: B batch, O observation, A action, S steps, N rows when acting.
//
//     x_0     ~ N(0, base_std^2)
//     x_{k+1} = x_k + v(s, x_k, k / S) / S + std(s) e_k,  a = tanh x_S
//     v       = g (c - x), g = sigmoid of a network, c a network, of (s, x, t)
//     h       = -log N(x_0) - sum_k log N(e_k) + S sum log std
//               + sum ln (1 - tanh^2 x_S)
//     y       = r + discount (min Q'(s', a') + alpha h')
//     L_Q     = sum over both critics of mean (Q(s, a) - y)^2
//     L_pi    = -mean (alpha h + min Q(s, a)), through action and h
//     L       = log alpha (mean h' - target entropy)
//
// A step is (1 - g / S) x + (g / S) c, as in a gated recurrent cell: with g in
// (0, 1) its slope in x stays near 1, so that gradients through S steps neither
// vanish nor explode as those of a free velocity can.
// h is -log of the density of the whole path x_0 ... x_S. It is above -log pi
// of the action by what the path tells beyond it, so its goal is no entropy of
// actions, and a fixed alpha rewards noise that later steps take away again: on
// a linear chain 1.5495 against 0.8370 nats (PathEntropy).
// Temperature and optimisers are those of the frame: alpha follows the entropy
// at the next states and Adam's first decay rate is 0.9, where that code takes
// the states themselves and 0.5.
// Deviations from Elessar123/SAC-FLOW@3df8b9d, each with its test in
// sac_flow_test.cpp:
//  1. critics are twins with averaged targets, those of the soft baseline here,
//     so that only the policy differs from it; the code has critics without
//     targets and with batch renormalisation, which its policy's inputs have
//     too: TwinTargets
//  2. ln (1 - tanh^2 z) is 2 (ln 2 - z - softplus(-2 z)); the code adds 1e-6
//     inside the logarithm: ExactSlope
//  3. the temperature's loss is linear in log alpha, not alpha: LogTemperature
//  4. times enter as t and sinusoids of whole periods, as in the other flows;
//     the code has a network of sinusoids of t: FourierTimes
//  5. evaluation follows the path of means from x_0 = 0; the code has the
//     returns of noisy actions alone: MeanPath
//  6. all updates of a step use gradients at the same parameters: OnePoint
#include "rl/algorithms/flow.h"
#include "rl/algorithms/learner.h"
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace phlox::rl::sac_flow {
namespace {

struct Config {
  LearnerSettings learner;
  int64_t nfe = 4;                          // S
  double base_std = 1, gate_bias = 5;       // as there
  double log_std_min = -5, log_std_max = 2; // as there
  Shape std = {{512, 512}, "relu"};         // as there

  Config() {
    learner.actor = {{512}, "silu"}; // of gate and candidate, as there
    learner.critic = {{256, 256}, "relu", "uniform"};
    learner.actor_rate = learner.critic_rate = {3e-4, 3e-4, 0, 0};
    learner.temperature.rate = {3e-4, 3e-4, 0, 0};
    learner.temperature.initial = 0.2;
    learner.temperature.target_entropy_scale = 0; // of paths, as there
  }
  void visit(Settings &s) {
    learner.visit(s);
    s.integer("nfe", nfe, 1, 1024, "steps of the policy's flow");
    s.real("base_std", base_std, 1e-6, 1e6,
           "standard deviation of the noise at t = 0");
    s.real("gate_bias", gate_bias, -50, 50,
           "first value of the gate before its sigmoid");
    s.real("log_std_min", log_std_min, -20, 20, "least log std of a step");
    s.real("log_std_max", log_std_max, -20, 20, "largest log std of a step");
    s.sizes("std.hidden", std.hidden, "widths of the step noise's network");
  }
};

// An action and -log of its path's density.
struct Draw {
  Tensor action;  // (B, A)
  Tensor entropy; // (B)
  Tensor log_std; // (B, A)
};

// The three networks of the policy, read together.
struct Policy {
  Config config;
  int64_t action_size = 0;
  FlowNetwork gate, candidate; // of (s, x, t)
  Mlp std;                     // of s, before tanh
  Parameters parameters;

  Policy() = default;
  Policy(Program &program, const Config &config, const EnvSpec &env)
      : config(config), action_size(env.action_size),
        gate(program, "actor/gate", env.obs_size, action_size, 1,
             config.learner.actor, "fourier"),
        candidate(gate.copy(program, "actor/candidate")),
        std(program, "actor/std", env.obs_size, config.std, action_size) {
    parameters.append(gate.mlp().parameters());
    parameters.append(candidate.mlp().parameters());
    parameters.append(std.parameters());
  }

  void init(Entry &e, const Key &key) const {
    gate.mlp().init(e, key);
    candidate.mlp().init(e, key);
    std.init(e, key);
    // open gates first: v = c - x
    const auto &leaves = gate.mlp().parameters().leaves();
    e.write(leaves[leaves.size() - 2], 0);
    e.write(leaves.back(), config.gate_bias);
  }

  // the path from x_0 with noise (S, B, A), or of means without
  Draw follow(Entry &e, const Tensor &obs, const Tensor &x0,
              const Tensor &noise) const {
    auto own_gate = gate.mlp().parameters().read(e);
    auto own_candidate = candidate.mlp().parameters().read(e);
    double low = config.log_std_min, high = config.log_std_max;
    Draw draw;
    draw.log_std =
        low + (high - low) / 2 * (tanh(std(std.parameters().read(e), obs)) + 1);
    Tensor deviation = exp(draw.log_std);
    auto steps = static_cast<double>(config.nfe);
    std::vector<Tensor> rows{
        iota(obs.trace(), {config.nfe, 1}, 0, Element::real) / steps};
    if (!noise.empty())
      rows.push_back(noise);
    Tensor z = scan(config.nfe, {x0}, rows, [&](auto &carries, auto &now) {
                 const Tensor &x = carries[0];
                 Tensor g = sigmoid(gate(own_gate, obs, x, {now[0]}));
                 Tensor c = candidate(own_candidate, obs, x, {now[0]});
                 Tensor next = x + g * (c - x) / steps;
                 if (now.size() > 1)
                   next = next + deviation * now[1];
                 return ScanStep{{next}, {}};
               }).carries[0];
    draw.action = tanh(z);
    if (noise.empty())
      return draw;
    double constant = 0.5 * std::log(2 * std::numbers::pi);
    Tensor of_steps = sum(sum(0.5 * square(noise) + constant, 0), -1);
    draw.entropy = gaussian_surprise(x0, config.base_std) + of_steps +
                   sum(steps * draw.log_std + log_tanh_slope(z), -1);
    return draw;
  }
  Draw sample(Entry &e, const Tensor &obs, const Key &key,
              const std::string &prefix = "") const {
    Extents shape{obs.extent(0), action_size};
    Tensor x0 = key.normal(prefix + "base", shape) * config.base_std;
    shape.insert(shape.begin(), config.nfe);
    return follow(e, obs, x0, key.normal(prefix + "steps", shape));
  }
};

struct Model {
  Policy policy;
  Learner learner;
};

// mean over states of -alpha h - min Q, through the sampler
ActorLoss actor_loss(Entry &e, const Model &m, const Tensor &obs,
                     const Key &key) {
  Draw now = m.policy.sample(e, obs, key, "policy_");
  Tensor alpha = m.learner.temperature().value(e);
  Tensor loss =
      mean(-(alpha * now.entropy) - m.learner.score(e, obs, now.action));
  m.learner.report(e, "losses/step_std", mean(exp(now.log_std)));
  return {loss, grad(loss, m.policy.parameters.read(e))};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  Draw next = m.policy.sample(e, batch.next_obs, key);
  Losses losses = m.learner.losses(e, batch, stopgradient(next.action),
                                   stopgradient(next.entropy));
  losses.actor = actor_loss(e, m, batch.obs, key);
  m.learner.update(e, losses);
}

void init(Entry &e, const Model &m) {
  Key key = m.learner.init(e);
  m.policy.init(e, key);
}

// acts with noise, evaluates along the path of means
void act(Entry &e, const Model &m, int64_t rows, bool noisy) {
  const EnvSpec &env = m.learner.env();
  Tensor obs = e.input("obs", {rows, env.obs_size});
  Tensor step = e.input("step", {}, Element::count);
  Draw draw;
  if (noisy)
    draw = m.policy.sample(e, obs, m.learner.key(e, "sample", step));
  else
    draw = m.policy.follow(e, obs, fill(obs, {rows, env.action_size}, 0), {});
  e.output("action", draw.action);
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  auto config = read_settings<Config>(json);
  check_request(env, acting);
  if (config.log_std_min > config.log_std_max)
    throw SettingsError(fmt::format(
        "key 'log_std_min' must be at most 'log_std_max': got {} and {}",
        config.log_std_min, config.log_std_max));
  Program program("sac-flow");
  Model model{Policy(program, config, env), {}};
  model.learner =
      Learner(program, config.learner, env, model.policy.parameters);
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  add_acting(program, acting, [&](Entry &e, int64_t rows, bool noisy) {
    act(e, model, rows, noisy);
  });
  return program;
}

// what of the code can be had by keys
const nlohmann::json published = {
    {"batch", 512},      {"critic.hidden", {1024, 1024}},
    {"critic.lr", 1e-3}, {"critic.lr_final", 1e-3},
    {"alpha.lr", 1e-3},  {"alpha.lr_final", 1e-3},
    {"actor.every", 3},  {"alpha.every", 3}};

const Registration
    registration({"sac-flow", "soft actor-critic through a flow of gated steps",
                  schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::sac_flow
