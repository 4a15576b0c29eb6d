// What fmer.cpp's header numbers of its own, and the identities it rests on;
// flow_policy_test.cpp has what flow policies number in common,
// fmer_training_test.cpp the gradient of the squashing's entropy.
#include "rl/algorithms/candidates.h"
#include "rl/algorithms/settings.h"
#include "test/rl/algorithms/support.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;

TEST(Fmer, SquashStaysFinite) {
  Tensors outputs = test::run_traced(
      [](Entry &e) { e.output("y", log_tanh_slope(e.input("z", {4}))); },
      {{"z", {.5, 3, 10, -20}}});
  const double wanted[] = {-0.2402290139, -4.6186570092, -18.6137056430,
                           -38.6137056389};
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(outputs.at("y").reals[i], wanted[i], 1e-7);
  StoredProgram program("fmer");
  program.argument("leaf:actor/layer3/bias") = {400, -400};
  EXPECT_EQ(program.metric("nonfinite"), 0);
}

TEST(Fmer, EntropyOfSquashedGaussians) {
  // H(tanh z) = H(z) + E ln (1 - tanh^2 z), by the trapezoidal rule over 10 sd
  struct Row {
    double mean, std, entropy;
  };
  for (auto [mean, std, wanted] :
       {Row{0, 1, 0.669804}, {.4, .2, -0.380247}, {.8, 1.5, 0.133722}}) {
    std::vector<double> z, weight;
    for (int i = -400; i <= 400; ++i) {
      z.push_back(mean + std * i / 40.);
      weight.push_back(std::exp(-.5 * i * i / 1600.) / 40 /
                       std::sqrt(2 * M_PI));
    }
    Tensors outputs = test::run_traced(
        [&](Entry &e) {
          e.output("y", sum(log_tanh_slope(e.input("z", {801})) *
                            e.input("w", {801})));
        },
        {{"z", z}, {"w", weight}});
    double gaussian = .5 * std::log(2 * M_PI * M_E * std * std);
    EXPECT_NEAR(gaussian + outputs.at("y").reals[0], wanted, 2e-6);
  }
}

TEST(Fmer, EntropyChangesByTheMeanDivergence) {
  // along the flow N(0, .25) to N(.4, .04): ln (.2 / .5)
  Tensors outputs = test::run_traced([](Entry &e) {
    constexpr int64_t times = 2000;
    Tensor t = (iota(e.trace(), {times}, 0, Element::real) + .5) / times;
    Tensor spread = square(t) * .04 + square(1 - t) * .25;
    e.output("y", mean((t * .04 - (1 - t) * .25) / spread));
  });
  EXPECT_NEAR(outputs.at("y").reals[0], std::log(.2 / .5), 1e-6);
}

TEST(Fmer, MirrorStepOfAGaussian) {
  // pi_old N(0, .25), advantages -(z - 1)^2: N(1/3, 1/6) and N(2/3, 1/12)
  struct Row {
    double tau, mean, variance, share;
  };
  for (auto [tau, centre, variance, share] :
       {Row{1, 1. / 3, 1. / 6, .676}, {.25, 2. / 3, 1. / 12, .257}}) {
    Tensors outputs = test::run_traced([&](Entry &e) {
      Key key(e.count(2), e.count(0), "f");
      Tensor z = key.normal("z", {512, 4096}) * .5;
      Tensor w = softmax(-square(z - 1) / tau, 1);
      Tensor first = sum(w * z, 1);
      e.output("mean", mean(first));
      e.output("variance", mean(sum(w * square(z), 1) - square(first)));
      e.output("share", mean(ess(w)) / 4096);
    });
    EXPECT_NEAR(outputs.at("mean").reals[0], centre, 1e-3);
    EXPECT_NEAR(outputs.at("variance").reals[0], variance, 1e-3);
    EXPECT_NEAR(outputs.at("share").reals[0], share, 1e-3);
  }
}

TEST(Fmer, MirrorTemperature) {
  for (double share : {.3, .6, .9}) {
    StoredProgram program("fmer", {{"ess_target", share}});
    Tensors results = program.run();
    EXPECT_NEAR(results.at("losses/ess_mean").reals[0], 5 * share, 1e-3);
    // to second order the sample size is the trust region
    if (share == .9)
      EXPECT_NEAR(results.at("losses/mirror_kl").reals[0], (1 / share - 1) / 2,
                  .01);
    // the same temperature as a number gives the same step
    double tau = results.at("losses/mirror_temperature").reals[0];
    StoredProgram fixed("fmer", {{"mirror_temperature", tau}});
    EXPECT_NEAR(fixed.metric("losses/ess_mean"), 5 * share, 1e-3);
    EXPECT_NEAR(fixed.metric("losses/actor_loss"),
                results.at("losses/actor_loss").reals[0], 1e-6);
  }
  EXPECT_THROW(StoredProgram("fmer", {{"mirror_temperature", 0}}),
               SettingsError);
}

TEST(Fmer, DualMirrorTemperature) {
  // each update moves ln tau by rate (target - share); on equal advantages it
  // ends where halving finds tau
  const char *leaf = "leaf:log_mirror_temperature";
  StoredProgram solved("fmer", {{"ess_target", .6}});
  StoredProgram dual("fmer", {{"ess_target", .6}, {"mirror_rate", 2.}});
  dual.argument(leaf) = {std::log(.3)};
  Tensors first = dual.run();
  EXPECT_NEAR(first.at("losses/mirror_temperature").reals[0], .3, 1e-7);
  double share = first.at("losses/ess_mean").reals[0] / 5;
  EXPECT_NEAR(first.at(leaf).reals[0], std::log(.3) + 2 * (.6 - share), 1e-6);
  for (int update = 0; update < 80; ++update)
    dual.argument(leaf) = dual.run().at(leaf).reals;
  EXPECT_NEAR(std::exp(dual.argument(leaf)[0]) /
                  solved.metric("losses/mirror_temperature"),
              1, 1e-3);
  // the first one is what is said, and 1 otherwise
  for (double tau : {1., .2}) {
    nlohmann::json settings = {{"mirror_rate", .1}};
    if (tau != 1)
      settings["mirror_temperature"] = tau;
    Program program = find_algorithm("fmer")->build(kTask, settings, {});
    EXPECT_NEAR(test::initial_state(program, 1).at(leaf).reals[0],
                std::log(tau), 1e-6);
  }
}

TEST(Fmer, ResampledMean) {
  // draws at the middles of equal steps of u: the weighted mean of the losses
  StoredProgram one("fmer", {{"resampled", 1}, {"squash_grad", "none"}});
  auto &time = one.argument("train_step/time");
  time.assign(time.size(), .4);
  constexpr int steps = 400;
  auto average = [&](int from, int to) {
    double mean = 0;
    for (int i = from; i < to; ++i) {
      one.argument("train_step/resample").assign(6, (i + .5) / steps);
      mean += one.metric("losses/flow_loss") / (to - from);
    }
    return mean;
  };
  double whole = average(0, steps);
  // halves of it differ, their mean does not: u alone decides
  EXPECT_NEAR((average(0, steps / 2) + average(steps / 2, steps)) / 2, whole,
              1e-9);
  EXPECT_GT(std::abs(average(0, steps / 2) - whole), 1e-3 * whole);
}

TEST(Fmer, GradientsOfTheEntropyDiffer) {
  // the same values, other gradients: what each form sees of the sampler
  std::vector<double> norms;
  for (const char *form : {"path", "endpoint", "linear", "none"}) {
    StoredProgram program("fmer", {{"squash_grad", form}});
    Tensors results = program.run();
    EXPECT_EQ(results.at("nonfinite").reals[0], 0) << form;
    norms.push_back(results.at("losses/grad_norm_actor").reals[0]);
    auto inputs = test::input_types(*program.module, "train_step");
    EXPECT_EQ(inputs.contains("train_step/policy_base"),
              form == std::string("path"));
  }
  for (size_t i = 0; i < norms.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      EXPECT_NE(norms[i], norms[j]);
}

TEST(Fmer, DivergenceTimes) {
  // the stored program takes two midpoint steps, which ask at 1/4 and 3/4
  const char *time = "train_step/time";
  auto step = [&](const char *times, const std::vector<double> &t) {
    StoredProgram program("fmer", {{"divergence_times", times}});
    auto &drawn = program.argument(time);
    for (size_t i = 0; i < drawn.size(); ++i)
      drawn[i] = t[i % t.size()];
    return program.run();
  };
  const std::vector<double> asked = {.25, .75}, between = {.1, .99};
  Tensors same = step("sampler", asked), uniform = step("uniform", asked);
  for (const char *of : {"losses/actor_loss", "losses/grad_norm_actor"})
    EXPECT_NEAR(same.at(of).reals[0], uniform.at(of).reals[0], 1e-9) << of;
  // only the regression sees times in between
  const char *divergence = "losses/divergence", *flow = "losses/flow_loss";
  Tensors moved = step("sampler", between), free = step("uniform", between);
  EXPECT_EQ(moved.at(flow).reals, free.at(flow).reals);
  EXPECT_NEAR(moved.at(divergence).reals[0], same.at(divergence).reals[0],
              1e-9);
  EXPECT_NE(free.at(divergence).reals[0], moved.at(divergence).reals[0]);
  // Euler's steps ask at their beginnings: the first of two at 0
  auto euler = [&](const char *times, double t) {
    StoredProgram program(
        "fmer", {{"solver", "euler"}, {"nfe", 2}, {"divergence_times", times}});
    auto &drawn = program.argument(time);
    drawn.assign(drawn.size(), t);
    return program.metric(divergence);
  };
  EXPECT_NEAR(euler("sampler", .4), euler("uniform", 0), 1e-9);
  EXPECT_NEAR(euler("sampler", .9), euler("uniform", .5), 1e-9);
}

TEST(Fmer, PlainSample) {
  auto act = [](const std::string &entry, const nlohmann::json &settings) {
    StoredProgram program("fmer", settings, {2});
    auto arguments = program.step.arguments;
    for (auto &[key, tensor] : test::randomArguments(*program.module, entry, 9))
      if (!key.starts_with("leaf:"))
        arguments[key] = tensor;
    return test::interpretEntry(*program.module, entry, arguments)
        .at("action")
        .reals;
  };
  nlohmann::json plain = {{"particles", 1}, {"noise_scale", 0.}};
  auto sampled = act("sample_2", plain);
  EXPECT_EQ(sampled, act("evaluate_2", plain));
  for (double a : sampled)
    EXPECT_LT(std::abs(a), 1);
  // the defaults are these
  for (const auto &entry : find_algorithm("fmer")->schema)
    for (const auto &[key, value] : plain.items())
      if (entry["key"] == key)
        EXPECT_EQ(entry["default"], value) << key;
}

} // namespace
} // namespace phlox::rl
