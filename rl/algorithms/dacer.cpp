// DACER: a diffusion policy, trained through all its steps by the gradient of
// critics that also tell how uncertain returns are.
// Paper: arXiv 2405.15177.
// Time: t = 0 noise, t = 1 action; step i = 0 ... S - 1 at t = i / S is the
// paper's step S - i.
// Shapes: B batch, O observation, A action, S steps, N rows when acting.
//
//     x_0     ~ N(0, 1),  e = network(s, x_i, t)
//     a_i     = clip(x_i / sqrt(p_i) - e sqrt(1 / p_i - 1), -1, 1)
//     x_{i+1} = mean of q(x_{i+1} | x_i, a_i) + its std times noise
//     a       = clip(x_S + noise_scale alpha xi, -1, 1),  xi ~ N(0, 1)
//     y       = r + discount Q'(s', a'), of the twin that expects less
//     L_Q     by its mean q and std d: the gradient of -log N(y; q, d^2), with
//             y within three mean d of q for d, scaled by (mean d)^2
//     L_pi    = -mean min Q(s, a), through the sampler
//     L       = log alpha (entropy - target entropy)
//
// p_i falls from 1 at the last step to e^-5.05 at the first by the variance
// preserving schedule beta = .1 ... 10. The policy's entropy has no density to
// come from: a mixture of three Gaussians is fitted to samples, and only alpha,
// the size of the exploration noise, follows it; returns have no entropy.
// Deviations from happy-yan/DACER-Diffusion-with-Online-RL@848c1f2, each with
// its test in dacer_test.cpp:
//  1. the mixture is fitted inside the step, by a fixed number of rounds from
//     chosen samples; the code asks a library on the host: MixtureInTheGraph
//  2. at some states of the batch, not all: their mean varies little
//     (entropy_states): SomeStates
//  3. times enter as t and sinusoids of whole periods, the code has a network
//  of
//     sinusoids of the step's number: PhaseOfTheStep
#include "rl/algorithms/learner.h"
#include "rl/algorithms/mixture.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace phlox::rl::dacer {
namespace {

struct Config {
  LearnerSettings learner;
  int64_t nfe = 20; // S
  double noise_scale = 0.1;
  int64_t entropy_samples = 200, entropy_states = 32, components = 3,
          rounds = 30;

  Config() {
    learner.soft_target = false;
    learner.critic_head = {2, [](const Tensor &x) { return moment(x, 0); }};
    learner.reward_scale = 0.2;
    learner.actor_every = 2;
    learner.actor_rate = learner.critic_rate = {1e-4, 1e-4, 0, 0};
    learner.temperature.initial = 3;
    learner.temperature.rate = {3e-2, 3e-2, 0, 0};
    learner.temperature.every = 10'000;
    learner.temperature.target_entropy_scale = 0.9;
  }
  // one of the numbers that a critic gives
  static Tensor moment(const Tensor &outputs, int64_t which) {
    Extents start(outputs.rank(), 0), size = outputs.shape();
    start.back() = which;
    size.back() = 1;
    Tensor one = slice(outputs, start, size);
    size.pop_back();
    return reshape(one, size);
  }
  void visit(Settings &s) {
    learner.visit(s);
    s.integer("nfe", nfe, 1, 1024, "steps of the policy's diffusion");
    s.real("noise_scale", noise_scale, 0, 1e6,
           "noise on actions: this times the temperature");
    s.integer("entropy_samples", entropy_samples, 2, 1 << 20,
              "actions per state that a mixture is fitted to");
    s.integer("entropy_states", entropy_states, 1, 1 << 20,
              "states of the batch whose entropy is estimated");
    s.integer("mixture_components", components, 1, 64,
              "Gaussians of the mixture");
    s.integer("mixture_rounds", rounds, 1, 1024, "rounds of its fit");
  }
};

// The schedule of one step per row (S), first to last.
struct Schedule {
  std::vector<float> scale, noise_scale, from_action, from_x, std;
  explicit Schedule(int64_t steps) {
    auto n = static_cast<double>(steps);
    std::vector<double> kept(steps + 1, 1); // product of alphas before
    for (int64_t j = 1; j <= steps; ++j)
      kept[j] = kept[j - 1] *
                std::exp(-.1 / n -
                         .5 * 9.9 * static_cast<double>(2 * j - 1) / (n * n));
    for (int64_t j = steps; j >= 1; --j) {
      double p = kept[j], before = kept[j - 1], alpha = p / before;
      auto add = [](std::vector<float> &row, double x) {
        row.push_back(static_cast<float>(x));
      };
      add(scale, std::sqrt(1 / p));
      add(noise_scale, std::sqrt(1 / p - 1));
      add(from_action, (1 - alpha) * std::sqrt(before) / (1 - p));
      add(from_x, (1 - before) * std::sqrt(alpha) / (1 - p));
      add(std, std::sqrt((1 - alpha) * (1 - before) / (1 - p)));
    }
  }
};

struct Model {
  Config config;
  FlowNetwork actor; // noise of (s, x, t)
  Leaf running[2];   // mean std of each critic, below 0 before the first step
  Leaf entropy;      // of the policy, when last estimated
  Learner learner;
};

// the diffusion's end in no box; shape (B, ..., A), two draws
Tensor diffuse(Entry &e, const Model &m, const Tensor &obs,
               const Extents &shape, const Key &key,
               const std::string &prefix) {
  int64_t steps = m.config.nfe;
  auto parameters = m.actor.mlp().parameters().read(e);
  Schedule schedule(steps);
  auto row = [&](const std::vector<float> &numbers) {
    return phlox::constant(obs.trace(), {steps, 1}, numbers);
  };
  Extents all = shape;
  all.insert(all.begin(), steps);
  Tensor times = iota(obs.trace(), {steps, 1}, 0, Element::real) /
                 static_cast<double>(steps);
  return scan(steps, {key.normal(prefix + "base", shape)},
              {times, row(schedule.scale), row(schedule.noise_scale),
               row(schedule.from_action), row(schedule.from_x),
               row(schedule.std), key.normal(prefix + "steps", all)},
              [&](auto &carries, auto &now) {
                const Tensor &x = carries[0];
                Tensor noise = m.actor(parameters, obs, x, {now[0]});
                Tensor action = clip(x * now[1] - noise * now[2], -1, 1);
                return ScanStep{
                    {action * now[3] + x * now[4] + now[5] * now[6]}, {}};
              })
      .carries[0];
}

// an action with exploration noise, in the box
Tensor explore(Entry &e, const Model &m, const Tensor &obs,
               const Extents &shape, const Key &key,
               const std::string &prefix = "") {
  Tensor end = diffuse(e, m, obs, shape, key, prefix);
  Tensor std = m.learner.temperature().value(e) * m.config.noise_scale;
  return clip(end + std * key.normal(prefix + "exploration", shape), -1, 1);
}

Losses begin_step(Entry &e, const Model &m, const Transitions &batch,
                  const Key &key) {
  const Config &c = m.config;
  const TwinCritic &critic = m.learner.critic(), &target = m.learner.target();
  auto parameters = critic.parameters().read(e);
  auto slow = target.parameters().read(e);
  Losses losses;
  losses.action =
      stopgradient(explore(e, m, batch.next_obs, batch.action.shape(), key));
  Tensor z = clip(key.normal("returns", {batch.action.extent(0), 2}), -3, 3);
  Tensor means[2], samples[2];
  for (int i = 0; i < 2; ++i) {
    Tensor given = target.outputs(i, slow, batch.next_obs, losses.action);
    means[i] = Config::moment(given, 0);
    samples[i] =
        means[i] + softplus(Config::moment(given, 1)) * Config::moment(z, i);
  }
  Tensor less = means[0] < means[1];
  auto backup = [&](const Tensor &value) {
    return soft_target(batch, value, {}, {}, c.learner.discount, 0);
  };
  losses.soft_target = backup(min(means[0], means[1]));
  Tensor sample = backup(select(less, samples[0], samples[1]));

  constexpr double bias = 0.1; // of variances, as there
  for (int i = 0; i < 2; ++i) {
    Tensor given = critic.outputs(i, parameters, batch.obs, batch.action);
    Tensor mean_q = Config::moment(given, 0);
    Tensor std = softplus(Config::moment(given, 1));
    Tensor q = stopgradient(mean_q), d = stopgradient(std), now = mean(d);
    Tensor old = e.read(m.running[i]);
    Tensor width =
        select(old < 0, now,
               c.learner.ema_rate * now + (1 - c.learner.ema_rate) * old); // ()
    Tensor near = clip(sample - q, -3 * width, 3 * width);
    Tensor slope_q = (losses.soft_target - q) / (square(d) + bias);
    Tensor slope_d = (square(near) - square(d)) / (square(d) * d + bias);
    losses.critic.values[i] = mean_q;
    losses.critic.losses[i] =
        -(square(width) + bias) *
        mean(mean_q * stopgradient(slope_q) + std * stopgradient(slope_d));
    losses.leaves.emplace_back(m.running[i], width);
  }
  losses.critic.grads =
      grad(losses.critic.losses[0] + losses.critic.losses[1], parameters);
  return losses;
}

// the policy's entropy where alpha moves, else when last estimated
Tensor policy_entropy(Entry &e, const Model &m, const Tensor &obs,
                      const Key &key) {
  const Config &c = m.config;
  int64_t states = std::min(c.entropy_states, obs.extent(0));
  Tensor some = slice(obs, {0, 0}, {states, obs.extent(1)});
  Extents shape{states, c.entropy_samples, m.learner.env().action_size};
  Tensor now = mean(entropy_bound(fit_mixture(
      explore(e, m, some, shape, key, "entropy_"), c.components, c.rounds)));
  Tensor turn = m.learner.temperature_turn(e);
  return turn.empty() ? now : select(turn, now, e.read(m.entropy));
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  Losses losses = begin_step(e, m, batch, key);
  losses.entropy = stopgradient(policy_entropy(e, m, batch.obs, key));
  losses.leaves.emplace_back(m.entropy, losses.entropy);
  m.learner.report(e, "losses/return_std", losses.leaves[0].second);

  Tensor action =
      explore(e, m, batch.obs, batch.action.shape(), key, "policy_");
  Tensor loss = -mean(m.learner.score(e, batch.obs, action));
  losses.actor = {loss, grad(loss, m.actor.mlp().parameters().read(e))};
  m.learner.update(e, losses);
}

void init(Entry &e, const Model &m) {
  Key key = m.learner.init(e);
  m.actor.mlp().init(e, key);
  for (const Leaf &leaf : m.running)
    e.write(leaf, -1);
  e.write(m.entropy, 0);
}

void act(Entry &e, const Model &m, int64_t rows, bool noisy) {
  const EnvSpec &env = m.learner.env();
  Tensor obs = e.input("obs", {rows, env.obs_size});
  Tensor step = e.input("step", {}, Element::count);
  Key key = m.learner.key(e, noisy ? "sample" : "evaluate", step);
  Extents shape{rows, env.action_size};
  e.output("action", noisy ? explore(e, m, obs, shape, key)
                           : clip(diffuse(e, m, obs, shape, key, ""), -1, 1));
}

Program build(const EnvSpec &env, const nlohmann::json &json,
              const std::vector<int> &acting) {
  auto config = read_settings<Config>(json);
  check_request(env, acting);
  if (config.entropy_samples < config.components)
    throw SettingsError(fmt::format("key 'entropy_samples' must be at least "
                                    "'mixture_components' = {}: got {}",
                                    config.components, config.entropy_samples));
  Program program("dacer");
  Model model;
  model.config = config;
  model.actor = FlowNetwork(program, "actor", env.obs_size, env.action_size, 1,
                            config.learner.actor, "fourier");
  model.running[0] = program.leaf("critic/0/running_std", {});
  model.running[1] = program.leaf("critic/1/running_std", {});
  model.entropy = program.leaf("entropy", {});
  model.learner =
      Learner(program, config.learner, env, model.actor.mlp().parameters());
  program.entry("init", [&](Entry &e) { init(e, model); });
  program.entry("train_step", [&](Entry &e) { train_step(e, model); });
  add_acting(program, acting, [&](Entry &e, int64_t rows, bool noisy) {
    act(e, model, rows, noisy);
  });
  return program;
}

const nlohmann::json published = {{"entropy_states", 256}};

const Registration registration({"dacer",
                                 "diffusion policy trained through its steps",
                                 schema_of<Config>(), published, build});

} // namespace
} // namespace phlox::rl::dacer
