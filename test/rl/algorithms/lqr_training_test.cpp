// Policies learned by regression on the box form of the max-entropy linear-
// quadratic task, with its analytic critic, against the closed form
// pi*(a | x) = N(-K x / 6, sigma^2 / 36): compiled, thousands of updates.
#include "rl/algorithms/candidates.h"
#include "rl/algorithms/optimiser.h"
#include "rl/algorithms/posterior.h"
#include "test/support/algorithm_runner.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace phlox::rl {
namespace {

using test::Tensors;

constexpr double kGain = 1.1520118915, kVariance = 0.6007660884, kBox = 6;
constexpr double kBase = .5, kAlpha = .7;
constexpr int64_t kBatch = 256, kProposals = 64, kSamples = 4096;

// Q*(x, a), u = 6 a: -(x^2 + .3 u^2) + .97 (-P ((.95 x + .4 u)^2 + .01) - c)
Tensor critic(const Tensor &x, const Tensor &a) {
  Tensor u = sum(a, -1) * kBox; // (B, K)
  Tensor next = .95 * x + .4 * u;
  return -(square(x) + .3 * square(u)) +
         .97 * (-1.8208084727 * (square(next) + .01) + 14.9084254190);
}

// One policy under training: a network of one or two times.
struct Training {
  Training(int64_t times, int64_t updates,
           const std::string &embedding = "fourier")
      : program("training"), seed(program.counter("seed")),
        step(program.counter("step")),
        network(program, "actor", 1, 1, times, {{64, 64, 64}, "mish"},
                embedding),
        average(network.copy(program, "average_actor")),
        adam(program, "actor", network.mlp().parameters(),
             {1e-3, 2e-5, updates / 2, updates * 49 / 100}) {
    program.entry("init", [&](Entry &e) {
      Tensor from = e.input("seed", {}, Element::count);
      e.write(seed, from);
      e.write(step, 0);
      network.mlp().init(e, Key(from, e.count(0), "init"));
      average.mlp().assign(e, network.mlp());
      adam.init(e);
    });
  }

  // adds the entry point of one update by a loss of parameters and states
  using Loss =
      std::function<Tensor(Entry &e, const std::vector<Tensor> &parameters,
                           const Tensor &x, const Key &key)>;
  void add_update(const Loss &loss) {
    program.entry("update", [&](Entry &e) {
      Key key(e.read(seed), e.read(step), "update");
      Tensor x = key.uniform("obs", {kBatch, 1}) * 4 - 2;
      auto parameters = network.mlp().parameters().read(e);
      Tensor value = loss(e, parameters, x, key);
      Gate gate(e);
      gate.watch(value);
      auto updated = adam.step(e, gate, grad(value, parameters));
      average_into(e, gate, average.mlp().parameters(), updated, .005);
      gate.write(step, countadd(e.read(step), 1));
      e.output("nonfinite", gate.commit());
    });
  }

  // the same by a loss of parameters, state, point, time, velocity to pi*, and
  // what is left of the time's uniform numbers
  using PathLoss = std::function<Tensor(
      const std::vector<Tensor> &parameters, const Tensor &x, const Tensor &z,
      const Tensor &t, const Tensor &velocity, const Tensor &u)>;
  void add_update(bool earlier_of_two, const PathLoss &loss) {
    add_update(
        [&](Entry &e, auto &parameters, const Tensor &x, const Key &key) {
          Tensor a = key.uniform("action", {kBatch, 1}) * 2 - 1;
          Tensor u = key.uniform("time", {kBatch, 3});
          Tensor t = slice(u, {0, 0}, {kBatch, 1});
          if (earlier_of_two)
            t = min(t, slice(u, {0, 1}, {kBatch, 1}));
          t = clip(t, 1e-3, .9946);
          Tensor z = t * a + (1 - t) * kBase * key.normal("path", {kBatch, 1});
          Posterior posterior = reverse_sample(
              z, t, e.scalar(kAlpha), kProposals, kBase, key,
              [&](const Tensor &actions) { return critic(x, actions); });
          return loss(parameters, x, z, t, posterior.velocity, u);
        });
  }

  // adds an entry point that samples with a flow of the averaged parameters
  void add_sampler(const std::string &name, int64_t steps,
                   const std::function<Flow(const std::vector<Tensor> &,
                                            const Tensor &obs)> &flow,
                   bool entropy = false) {
    program.entry(name, [&](Entry &e) {
      Tensor z = e.input("base", {kSamples, 1});
      Tensor obs = e.input("obs", {kSamples, 1});
      auto parameters = average.mlp().parameters().read(e);
      EntropySettings settings{"logdet", "exact", "sign", 1, 0};
      if (!entropy) {
        e.output("action", integrate(flow(parameters, obs), z, steps));
        return;
      }
      Key key(e.count(0), e.count(0), name);
      FlowSample sample = sample_with_entropy(flow(parameters, obs), z, steps,
                                              settings, kBase, key);
      e.output("action", sample.action);
      e.output("entropy", mean(sample.entropy));
    });
  }

  // the flow of the averaged network
  Flow velocity(const std::vector<Tensor> &p, const Tensor &obs,
                const std::string &solver) const {
    return velocity_flow(
        [this, p, obs](const Tensor &x, const Tensor &t) {
          return average(p, obs, x, {t});
        },
        solver);
  }

  Program program;
  Leaf seed, step;
  FlowNetwork network, average;
  Adam adam;
};

// A trained program and what it samples.
class Trained {
public:
  Trained(const Training &training, int64_t updates)
      : context(training.program.context()),
        compiled(training.program.module()) {
    HostTensor seed(
        RankedTensorType::get({}, mlir::IntegerType::get(context, 64)));
    seed.counts = {1};
    compiled.run("init", {{"seed", seed}});
    for (int64_t i = 0; i < updates; ++i)
      lost += compiled.run("update", {}).at("nonfinite").reals[0];
    // base noise without sampling error in mean and variance
    std::mt19937 generator(9);
    std::normal_distribution<double> normal;
    double mean = 0, square = 0;
    for (int64_t i = 0; i < kSamples; ++i)
      base.push_back(normal(generator));
    for (double z : base)
      mean += z / kSamples;
    for (double z : base)
      square += (z - mean) * (z - mean) / kSamples;
    for (double &z : base)
      z = (z - mean) / std::sqrt(square) * kBase;
  }

  struct Report {
    double mean_error, variance_error, entropy;
  };
  Report sample(const std::string &entry, double x) {
    auto column = [&](const std::vector<double> &values) {
      return test::reals(context, {kSamples, 1}, values);
    };
    Tensors results = compiled.run(
        entry, {{"base", column(base)},
                {"obs", column(std::vector<double>(kSamples, x))}});
    double mean = 0, square = 0;
    for (double a : results.at("action").reals)
      mean += a / kSamples, square += a * a / kSamples;
    double variance = (square - mean * mean) * kBox * kBox;
    auto entropy = results.find("entropy");
    return {mean + kGain * x / kBox, 100 * (variance / kVariance - 1),
            entropy == results.end() ? 0 : entropy->second.reals[0]};
  }
  double lost = 0; // updates that were not finite

private:
  mlir::MLIRContext *context;
  test::CompiledProgram compiled;
  std::vector<double> base;
};

const double kStates[] = {-1.5, 0, 1};

TEST(LqrTraining, RectifiedFlow) {
  constexpr int64_t updates = 4000;
  Training training(1, updates);
  training.add_update(false, [&](auto &p, const Tensor &x, const Tensor &z,
                                 const Tensor &t, const Tensor &velocity,
                                 const Tensor &) {
    return mean(square(training.network(p, x, z, {t}) - velocity));
  });
  for (auto [name, solver, steps] : {std::tuple{"midpoint10", "midpoint", 10},
                                     {"euler20", "euler", 20},
                                     {"euler1", "euler", 1}})
    training.add_sampler(
        name, steps,
        [&, solver = std::string(solver)](auto &p, const Tensor &obs) {
          return training.velocity(p, obs, solver);
        });
  Trained trained(training, updates);
  EXPECT_EQ(trained.lost, 0);
  for (double x : kStates) {
    auto midpoint = trained.sample("midpoint10", x);
    EXPECT_NEAR(midpoint.mean_error, 0, .01) << x;
    EXPECT_NEAR(midpoint.variance_error, 0, 8) << x;
    // Euler's own loss of spread, not the network's
    auto euler = trained.sample("euler20", x);
    EXPECT_NEAR(euler.mean_error, 0, .01) << x;
    EXPECT_NEAR(euler.variance_error, -19.2, 6) << x;
    EXPECT_LT(trained.sample("euler1", x).variance_error, -95) << x;
  }
}

TEST(LqrTraining, ImportanceSampling) {
  // candidates of the box, four of 64 chosen by weight for each state
  constexpr int64_t updates = 4000;
  Training training(1, updates);
  training.add_update([&](Entry &e, auto &p, const Tensor &x, const Key &key) {
    Candidates drawn = box_candidates({kBatch, kProposals, 1}, key);
    Importance found =
        importance(critic(x, drawn.actions), drawn, e.scalar(kAlpha));
    Tensor chosen = resample(drawn.actions, found.weights, 4, key);
    LinePoint point = line_point(chosen, kBase, key);
    return mean(
        square(training.network(p, x, point.x, {point.t}) - point.velocity));
  });
  training.add_sampler("midpoint10", 10, [&](auto &p, const Tensor &obs) {
    return training.velocity(p, obs, "midpoint");
  });
  Trained trained(training, updates);
  EXPECT_EQ(trained.lost, 0);
  for (double x : kStates) {
    auto midpoint = trained.sample("midpoint10", x);
    EXPECT_NEAR(midpoint.mean_error, 0, .01) << x;
    EXPECT_NEAR(midpoint.variance_error, 0, 10) << x;
  }
}

// a one-step policy by the MeanFlow identity
struct MeanFlow {
  MeanFlow(int64_t updates, const std::string &embedding)
      : training(2, updates, embedding) {
    training.add_update(true, [this](auto &p, const Tensor &x, const Tensor &z,
                                     const Tensor &t, const Tensor &velocity,
                                     const Tensor &u) {
      auto column = [&](int64_t i) { return slice(u, {0, i}, {kBatch, 1}); };
      Tensor late = max(max(column(0), column(1)), t);
      Tensor r = select(column(2) < .5, t, late);
      Tensor mean_v = training.network(p, x, z, {t, r});
      Tensor change = jvp(mean_v, {z, t, r}, {velocity, 1, 0});
      Tensor target = stopgradient(velocity + (r - t) * change);
      return mean(square(mean_v - target));
    });
    training.add_sampler(
        "one", 1,
        [this](auto &p, const Tensor &obs) {
          return mean_velocity_flow([this, p, obs](const Tensor &x,
                                                   const Tensor &t,
                                                   const Tensor &r) {
            return training.average(p, obs, x, {t, r});
          });
        },
        true);
  }
  Training training;
};

TEST(LqrTraining, MeanFlowInOneStep) {
  constexpr int64_t updates = 16'000;
  MeanFlow flow(updates, "fourier");
  Trained trained(flow.training, updates);
  EXPECT_EQ(trained.lost, 0);
  for (double x : kStates) {
    auto one = trained.sample("one", x);
    EXPECT_NEAR(one.mean_error, 0, .015) << x;
    EXPECT_NEAR(one.variance_error, 0, 12) << x;
    EXPECT_NEAR(one.entropy, -0.6275957481, .06) << x;
  }
}

TEST(LqrTraining, EmbeddingsOfTheTimes) {
  // with half the updates; sinusoids of 1000 t make dU/dt useless
  std::vector<double> worst;
  for (const char *embedding : {"fourier", "sin1", "sin1000"}) {
    constexpr int64_t updates = 8000;
    MeanFlow flow(updates, embedding);
    Trained trained(flow.training, updates);
    worst.push_back(0);
    for (double x : kStates)
      worst.back() = std::max(
          worst.back(), std::abs(trained.sample("one", x).variance_error));
    std::printf("%s: variance off by up to %.0f %%\n", embedding, worst.back());
  }
  EXPECT_LT(worst[0], worst[1]);
  EXPECT_LT(worst[1], worst[2]);
  EXPECT_GT(worst[2], 200);
}

} // namespace
} // namespace phlox::rl
