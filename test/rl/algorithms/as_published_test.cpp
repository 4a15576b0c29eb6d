// Every difference between published code and the defaults is a switch, and
// --as-published sets it; each switch shows the number that it is about.
// More of them: flame_m_test.cpp, flame_r_test.cpp, flow_policy_test.cpp,
// flow_test.cpp.
#include "rl/algorithms/flow_policy.h"
#include "test/rl/algorithms/support.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using nlohmann::json;
using test::Tensors;

class AsPublished : public testing::TestWithParam<std::string> {
protected:
  StoredProgram program(const json &settings = {}) {
    return StoredProgram(GetParam(), settings);
  }
};

// a policy that stays where its noise is, in and out of the average
void stand_still(StoredProgram &program) {
  for (const char *actor : {"leaf:actor/", "leaf:average_actor/"})
    for (const char *leaf : {"layer3/weight", "layer3/bias"}) {
      auto &numbers = program.argument(std::string(actor) + leaf);
      numbers.assign(numbers.size(), 0);
    }
}

// one action of a still policy from noise at 0
double act(const std::string &name, const char *entry, json settings,
           double noise, double drift = 0) {
  settings["particles"] = 1;
  StoredProgram program(name, settings);
  stand_still(program);
  auto arguments = program.step.arguments;
  for (auto &[key, tensor] : test::randomArguments(*program.module, entry, 9))
    if (!key.starts_with("leaf:"))
      arguments[key] = tensor;
  for (auto &[key, tensor] : arguments)
    if (key.ends_with("/exploration") || key.ends_with("e/base"))
      tensor.reals.assign(tensor.reals.size(),
                          key.ends_with("/base") ? 0 : noise);
  arguments.at("leaf:average_actor/layer3/bias").reals.assign(2, drift);
  return test::interpretEntry(*program.module, entry, arguments)
      .at("action")
      .reals[0];
}

TEST(AsPublished, SetsEverySwitch) {
  const json both = {
      {"entropy_sign", -1},       {"path_std", 1.},
      {"density_std", 1.},        {"rank_clipped", false},
      {"target_particles", 32},   {"target_noise", true},
      {"clip_noise", false},      {"fixed_alpha_noise", "constant"},
      {"embedding", "sin1"},      {"alpha.floor", 0.},
      {"truncnorm", "one_sided"}, {"entropy.probe", "normal"},
      {"entropy.one_probe", true}};
  const json r = {{"clip_path", true},
                  {"k_reduction", "mean"},
                  {"weight_floor", 1e-3},
                  {"solver", "euler"},
                  {"nfe", 20},
                  {"entropy.estimator", "div_reverse"},
                  {"entropy.steps", 20}};
  const json m = {{"meanflow_time", "opposed"},
                  {"segment_scale", "one"},
                  {"weight_temperature", "exp"},
                  {"weight_floor", 1e-5},
                  {"weights_critic", "after"},
                  {"critic.steps", 2},
                  {"entropy.sample", "own"},
                  {"fixed_alpha_entropy", false},
                  {"r_equal_t", 0.},
                  {"q_coef", 1.},
                  {"entropy.trace_clip", 10.},
                  {"entropy.estimator", "trace_disp"},
                  {"entropy.steps", 3}};
  for (auto [name, own] : {std::pair("flame-r", r), std::pair("flame-m", m)}) {
    own.update(both);
    const Algorithm &algorithm = *find_algorithm(name);
    EXPECT_EQ(algorithm.as_published, own) << name;
    // none of them is a default
    for (const auto &entry : algorithm.schema)
      if (auto set = own.find(entry["key"].get<std::string>());
          set != own.end() && *set != 20)
        EXPECT_NE(*set, entry["default"]) << name << " " << entry["key"];
  }
}

TEST_P(AsPublished, TargetNoise) {
  // noise on the target's action is a shift of a still policy's noise
  for (bool fixed : {false, true}) {
    StoredProgram noisy = program({{"target_noise", true},
                                   {"entropy_sign", 0},
                                   {"alpha.fixed", fixed},
                                   {"noise_scale", .5},
                                   {"fixed_alpha_noise", "constant"}});
    StoredProgram shifted = program({{"entropy_sign", 0}});
    double std = .5 * (fixed ? .1 : std::exp(-.7f));
    for (StoredProgram *each : {&noisy, &shifted}) {
      stand_still(*each);
      each->argument("train_step/base").assign(12, .1);
    }
    noisy.argument("train_step/exploration").assign(12, .4);
    const char *mean = "losses/soft_target_mean";
    EXPECT_GT(std::abs(noisy.metric(mean) - shifted.metric(mean)), 1e-4);
    shifted.argument("train_step/base").assign(12, .1 + .4 * std / .6);
    EXPECT_NEAR(noisy.metric(mean), shifted.metric(mean), 1e-7) << fixed;
  }
}

TEST_P(AsPublished, FixedAlphaNoise) {
  json ours = {{"alpha.fixed", true}, {"noise_scale", .5}}, theirs = ours;
  theirs["fixed_alpha_noise"] = "constant";
  double alpha = std::exp(-.7f), constant = std::exp(.1);
  EXPECT_NEAR(act(GetParam(), "sample_2", ours, .3), .15 * alpha, 1e-7);
  EXPECT_EQ(act(GetParam(), "evaluate_2", ours, .3), 0);
  EXPECT_NEAR(act(GetParam(), "sample_2", theirs, .3), .15 * constant, 1e-7);
  EXPECT_NEAR(act(GetParam(), "evaluate_2", theirs, .3), .15 * constant, 1e-7);
  // a trained temperature is no constant in either
  theirs["alpha.fixed"] = false;
  EXPECT_NEAR(act(GetParam(), "sample_2", theirs, .3), .15 * alpha, 1e-7);
  EXPECT_EQ(act(GetParam(), "evaluate_2", theirs, .3), 0);
}

TEST_P(AsPublished, ClipNoise) {
  double alpha = std::exp(-.7f);
  EXPECT_EQ(act(GetParam(), "sample_2", {}, 4), 1);
  EXPECT_NEAR(act(GetParam(), "sample_2", {{"clip_noise", false}}, 4),
              4 * alpha, 1e-6);
}

TEST_P(AsPublished, WeightFloor) {
  StoredProgram weights = program({{"alpha.floor", 0.}, {"weight_floor", .25}});
  StoredProgram all = program({{"alpha.floor", .25}});
  weights.argument("leaf:log_alpha") = all.argument("leaf:log_alpha") = {-9};
  EXPECT_NEAR(weights.metric("losses/ess_mean"), all.metric("losses/ess_mean"),
              1e-9);
  EXPECT_NEAR(weights.metric("losses/alpha"), std::exp(-9.), 1e-12);
}

TEST_P(AsPublished, WeightsCritic) {
  StoredProgram before = program({{"critic.lr", .1}});
  StoredProgram after =
      program({{"critic.lr", .1}, {"weights_critic", "after"}});
  double wanted = after.metric("losses/ess_mean");
  EXPECT_GT(std::abs(before.metric("losses/ess_mean") - wanted), 1e-5);
  Tensors stepped = before.run();
  for (auto &[name, tensor] : stepped)
    if (name.starts_with("leaf:critic/") && name.find("adam") == name.npos)
      before.argument(name) = tensor.reals;
  EXPECT_NEAR(before.metric("losses/ess_mean"), wanted, 1e-9);
}

TEST_P(AsPublished, CriticSteps) {
  StoredProgram once = program(), twice = program({{"critic.steps", 2}});
  Tensors one = once.run(), two = twice.run();
  const std::string leaf = "leaf:critic/0/layer3/bias";
  uint64_t before = once.step.arguments.at("leaf:critic/adam_count").counts[0];
  EXPECT_EQ(one.at("leaf:critic/adam_count").counts[0], before + 1);
  EXPECT_EQ(two.at("leaf:critic/adam_count").counts[0], before + 2);
  double count = double(before);
  double m = one.at(leaf + "/adam_m").reals[0],
         v = one.at(leaf + "/adam_v").reals[0];
  double g = (m - .9 * once.argument(leaf + "/adam_m")[0]) / .1;
  m = .9 * m + .1 * g, v = .999 * v + .001 * g * g;
  double step = m / (1 - std::pow(.9, count + 2)) /
                (std::sqrt(v / (1 - std::pow(.999, count + 2))) + 1e-8);
  EXPECT_NEAR(two.at(leaf).reals[0], one.at(leaf).reals[0] - .002 * step, 1e-6);
}

TEST_P(AsPublished, OneSided) {
  // an interval nine deviations out: one end, not its own distribution
  auto mean_noise = [](ProposalNoise kind) {
    return test::run_traced([&](Entry &e) {
             Key key(e.count(1), e.count(0), "f");
             Tensor one = fill(e.scalar(0), {1, 1}, 1);
             Posterior found = reverse_sample(
                 one * 9.5, Levels{one * .5, one}, e.scalar(1), 400, key,
                 [](const Tensor &a) { return sum(a, -1) * 0; }, kind);
             e.output("noise", mean(found.noise));
           })
        .at("noise")
        .reals[0];
  };
  EXPECT_NEAR(mean_noise(ProposalNoise::truncated), 9 + .1087, .02);
  EXPECT_NEAR(mean_noise(ProposalNoise::one_sided), 10, 1e-6);
  EXPECT_NE(program({{"truncnorm", "one_sided"}}).metric("losses/ess_mean"),
            program().metric("losses/ess_mean"));
}

TEST_P(AsPublished, OwnEntropy) {
  // the entropy of N(0, 1) for a base of .5: + ln 2 per dimension
  StoredProgram ours = program({{"base_std", .5}});
  StoredProgram theirs = program(
      {{"base_std", .5}, {"density_std", 1.}, {"entropy.sample", "own"}});
  stand_still(ours);
  stand_still(theirs);
  theirs.argument("train_step/entropy_base") = ours.argument("train_step/base");
  const char *h = "losses/entropy";
  double bias = theirs.metric(h) - ours.metric(h);
  EXPECT_NEAR(bias / 2, .6931, 1e-4);
  theirs.argument("train_step/base").assign(12, 3);
  EXPECT_NEAR(theirs.metric(h) - ours.metric(h), bias, 1e-9);
}

INSTANTIATE_TEST_SUITE_P(All, AsPublished,
                         testing::Values("flame-r", "flame-m"), suffix_of);

TEST(FlameM, OpposedTimesOfTheSampler) {
  // one step asks U at (1, 0) instead of (0, 1)
  json settings = {{"particles", 1}, {"nfe", 1}};
  StoredProgram ours("flame-m", settings);
  settings["meanflow_time"] = "opposed";
  StoredProgram theirs("flame-m", settings);
  auto move = [](StoredProgram &program) {
    auto arguments = program.step.arguments;
    for (auto &[key, tensor] :
         test::randomArguments(*program.module, "evaluate_2", 9))
      if (!key.starts_with("leaf:"))
        arguments[key] = tensor;
    return test::interpretEntry(*program.module, "evaluate_2", arguments)
        .at("action")
        .reals;
  };
  auto wanted = move(ours);
  EXPECT_NE(move(theirs), wanted);
  // rows of both times' channels, after 3 of obs and 2 of x
  auto &weight = theirs.argument("leaf:average_actor/layer1/weight");
  std::swap_ranges(weight.begin() + 5 * 8, weight.begin() + 14 * 8,
                   weight.begin() + 14 * 8);
  EXPECT_THAT(move(theirs),
              testing::Pointwise(testing::DoubleNear(1e-9), wanted));
}

TEST(FlameM, OpposedTimesTrainTheCornerOnData) {
  // (0, 1) is where the sampler starts: its points must be noise
  auto moved = [](const char *time) {
    StoredProgram program("flame-m", {{"meanflow_time", time},
                                      {"r_equal_t", 0.},
                                      {"q_coef", 0.},
                                      {"proposals", 2},
                                      {"time_min", 1e-6},
                                      {"time_max", 1 - 1e-6}});
    auto &times = program.argument("train_step/time"); // (6, 3)
    for (size_t i = 0; i < times.size(); i += 3)
      times[i] = 0, times[i + 1] = 1;
    auto loss = [&](double noise) {
      program.argument("train_step/path").assign(12, noise);
      program.argument("train_step/proposal").assign(24, .5);
      return program.metric("losses/flow_loss");
    };
    double base = loss(0);
    return std::abs(loss(.5) / base - 1);
  };
  EXPECT_GT(moved("unified"), 1e-3);
  EXPECT_LT(moved("opposed"), 1e-4);
}

TEST(FlameM, SegmentsMoveByTheirLength) {
  // a constant velocity of .1 over three segments
  json settings = {{"nfe", 3}};
  EXPECT_NEAR(act("flame-m", "evaluate_2", settings, 0, .1), .1, 1e-7);
  settings["segment_scale"] = "one";
  EXPECT_NEAR(act("flame-m", "evaluate_2", settings, 0, .1), .3, 1e-7);
}

TEST(FlameM, WeightTemperatureIsNeverBelowOne) {
  StoredProgram ours("flame-m"),
      theirs("flame-m", {{"weight_temperature", "exp"}});
  theirs.argument("leaf:log_alpha") = {std::log(.01)};
  ours.argument("leaf:log_alpha") = {.01}; // a temperature of e^.01
  const char *ess = "losses/ess_mean";
  EXPECT_NEAR(theirs.metric(ess), ours.metric(ess), 1e-6);
  ours.argument("leaf:log_alpha") = {std::log(.01)};
  EXPECT_LT(ours.metric(ess), theirs.metric(ess) - 1);
}

TEST(FlameM, FixedAlphaEntropy) {
  auto target = [](const json &settings) {
    return StoredProgram("flame-m", settings).metric("losses/soft_target_mean");
  };
  double none = target({{"entropy_sign", 0}});
  EXPECT_EQ(target({{"alpha.fixed", true}, {"fixed_alpha_entropy", false}}),
            none);
  EXPECT_GT(std::abs(target({{"alpha.fixed", true}}) - none), 1e-2);
  EXPECT_GT(std::abs(target({{"fixed_alpha_entropy", false}}) - none), 1e-2);
}

} // namespace
} // namespace phlox::rl
