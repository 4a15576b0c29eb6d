// Mirror descent from samples of the old policy: what the headers of the
// policies that do it number in common, for each of them, and their own.
#include "rl/algorithms/settings.h"
#include "test/rl/algorithms/support.h"
#include <fmt/format.h>

namespace phlox::rl {
namespace {

using test::Tensors;

class MirrorPolicies : public testing::TestWithParam<std::string> {
protected:
  static nlohmann::json softmax() {
    return {{"weights", "softmax"},      {"candidates", "averaged"},
            {"q_norm", "fixed"},         {"q_clip", 3.},
            {"moment_rate", 1e-3},       {"resampled", 0},
            {"kl_target", .8},           {"entropy_std", .1},
            {"target_entropy_scale", 1}, {"critic.steps", 1}};
  }
  static nlohmann::json clipped(const char *q_norm) {
    return {{"weights", "clipped"},
            {"candidates", "averaged"},
            {"q_clip", 3.},
            {"q_norm", q_norm}};
  }
  static double loss(const StoredProgram &program) {
    return program.metric("losses/actor_loss");
  }
  // values of both critics, everywhere by as much
  static void raise(StoredProgram &program, double by) {
    for (const char *leaf :
         {"leaf:critic/0/layer3/bias", "leaf:critic/1/layer3/bias"})
      program.argument(leaf)[0] += by;
  }
};

TEST_P(MirrorPolicies, SoftmaxWeights) {
  // only differences within a state count
  StoredProgram soft(GetParam(), softmax());
  double before = loss(soft);
  raise(soft, 10);
  EXPECT_NEAR(loss(soft), before, 1e-9);
  StoredProgram clip(GetParam(), clipped("fixed"));
  clip.argument("leaf:q_mean") = {0};
  clip.argument("leaf:q_std") = {20};
  before = loss(clip);
  raise(clip, 10);
  EXPECT_NEAR(loss(clip), before * std::exp(.5 / std::exp(-.7f)),
              1e-5 * loss(clip));
}

TEST_P(MirrorPolicies, QNorm) {
  auto at = [&](const char *q_norm, double mean, double std) {
    StoredProgram program(GetParam(), clipped(q_norm));
    program.argument("leaf:q_mean") = {mean};
    program.argument("leaf:q_std") = {std};
    return loss(program);
  };
  EXPECT_EQ(at("fixed", .4, 1), at("published", .4, 1));
  double fixed = at("fixed", .4, 2), published = at("published", .4, 2);
  EXPECT_GT(std::abs(fixed - published), 1e-3 * fixed);
}

TEST_P(MirrorPolicies, MomentsFollowTheValues) {
  nlohmann::json settings = clipped("fixed");
  settings["moment_rate"] = 1;
  StoredProgram program(GetParam(), settings);
  auto moments = [&] {
    Tensors results = program.run();
    return std::pair(results.at("leaf:q_mean").reals[0],
                     results.at("leaf:q_std").reals[0]);
  };
  auto [mean, std] = moments();
  raise(program, 3);
  auto [higher, same] = moments();
  EXPECT_NEAR(higher, mean + 3, 1e-9);
  EXPECT_NEAR(same, std, 1e-9);
  EXPECT_GT(std, 0);
}

TEST_P(MirrorPolicies, ResampledCandidates) {
  StoredProgram all(GetParam(), softmax());
  nlohmann::json settings = softmax();
  settings["resampled"] = 1;
  StoredProgram one(GetParam(), settings);
  for (const char *name : {"train_step/time", "train_step/path"})
    for (StoredProgram *program : {&all, &one}) {
      auto &numbers = program->argument(name);
      numbers.assign(numbers.size(), .4);
    }
  for (auto &[name, tensor] : all.step.arguments)
    if (name.starts_with("train_step/candidate"))
      one.step.arguments[name] = tensor;
  // draws at the middles of equal steps of u: the weighted mean
  constexpr int steps = 100;
  double mean = 0;
  for (int i = 0; i < steps; ++i) {
    one.argument("train_step/resample").assign(6, (i + .5) / steps);
    mean += loss(one) / steps;
  }
  EXPECT_NEAR(mean, loss(all), .02 * mean);
}

TEST_P(MirrorPolicies, CriticSteps) {
  nlohmann::json settings = softmax();
  StoredProgram one(GetParam(), settings);
  settings["critic.steps"] = 2;
  StoredProgram two(GetParam(), settings);
  Tensors once = one.run(), twice = two.run();
  EXPECT_EQ(twice.at("leaf:critic/adam_count").counts[0],
            once.at("leaf:critic/adam_count").counts[0] + 1);
  // the second step has the gradient of the first: m1 = .9 m0 + .1 g
  const char *leaf = "leaf:critic/0/layer2/weight/adam_m";
  for (size_t i = 0; i < 5; ++i) {
    double before = one.argument(leaf)[i], first = once.at(leaf).reals[i];
    EXPECT_NEAR(twice.at(leaf).reals[i], .9 * first + first - .9 * before,
                1e-7);
  }
}

TEST_P(MirrorPolicies, KlTarget) {
  StoredProgram program(GetParam(), softmax());
  Tensors results = program.run();
  EXPECT_NEAR(results.at("losses/target_entropy").reals[0], std::log(5) - .8,
              1e-6);
  double entropy = results.at("losses/entropy").reals[0];
  EXPECT_LT(entropy, std::log(5));
  // equal weights are as far from equal ones as can be: not at all
  program.argument("leaf:log_alpha") = {12};
  EXPECT_NEAR(program.metric("losses/entropy"), std::log(5), 1e-4);
  // published: the entropy of noise, whatever the critics say
  StoredProgram clip(GetParam(), clipped("fixed"));
  double before = clip.metric("losses/entropy");
  for (double &x : clip.argument("leaf:critic/0/layer3/weight"))
    x *= 3;
  EXPECT_EQ(clip.metric("losses/entropy"), before);
}

TEST_P(MirrorPolicies, SoftmaxWeightsRefuseWhatTheyDoNotRead) {
  auto refusal = [](const char *key, const nlohmann::json &value) {
    nlohmann::json settings = softmax();
    settings[key] = value;
    try {
      find_algorithm(GetParam())->build(kTask, settings, {});
    } catch (const SettingsError &error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refusal("candidates", "target"),
            "key 'weights' must be 'clipped' for candidates 'target', one "
            "action that has no other to compare with: got 'softmax'");
  EXPECT_EQ(refusal("proposals", 1),
            "key 'proposals' must be 2 or more for softmax weights: got 1");
  EXPECT_EQ(refusal("kl_target", 4.2),
            "key 'kl_target' must be below ln proposals = 4.159: got 4.2");
  for (double goal : {-2., 0., 4.2})
    EXPECT_EQ(refusal("target_entropy", goal),
              fmt::format("key 'target_entropy', of softmax weights, must be "
                          "between 0 and ln proposals = 4.159: got {}",
                          goal));
  EXPECT_EQ(refusal("target_entropy", 2.), "");
  const std::string rest = " for softmax weights, whose own entropy trains the "
                           "temperature (kl_target): got ";
  EXPECT_EQ(refusal("entropy_std", .3),
            "key 'entropy_std' must stay at 0.1" + rest + "0.3");
  EXPECT_EQ(refusal("target_entropy_scale", .9),
            "key 'target_entropy_scale' must stay at 1" + rest + "0.9");
  const std::map<std::string, nlohmann::json> unread = {
      {"q_norm", "published"}, {"q_clip", 2.}, {"moment_rate", .5}};
  for (const auto &[key, value] : unread)
    EXPECT_EQ(refusal(key.c_str(), value),
              fmt::format("key '{}' must stay at its default for softmax "
                          "weights: got another value",
                          key));
  // clipped ones take both
  EXPECT_NO_THROW(find_algorithm(GetParam())
                      ->build(kTask,
                              {{"weights", "clipped"},
                               {"entropy_std", .3},
                               {"target_entropy_scale", .9}},
                              {}));
}

TEST_P(MirrorPolicies, AveragedCandidates) {
  auto moves = [](StoredProgram program) {
    double before = loss(program);
    for (double &x : program.argument("leaf:average_actor/layer3/bias"))
      x += .3;
    return loss(program) != before;
  };
  EXPECT_TRUE(moves(StoredProgram(GetParam(), softmax())));
  nlohmann::json settings = clipped("fixed");
  settings["candidates"] = "target";
  EXPECT_FALSE(moves(StoredProgram(GetParam(), settings)));
}

INSTANTIATE_TEST_SUITE_P(All, MirrorPolicies,
                         testing::Values("dpmd", "fpmd-r", "fpmd-m"),
                         suffix_of);

TEST(Fpmd, BaseStd) {
  for (const char *name : {"fpmd-r", "fpmd-m"}) {
    auto with = [&](double path_std) {
      return StoredProgram(name, {{"path_std", path_std}})
          .metric("losses/flow_loss");
    };
    EXPECT_NE(with(.6), with(1.));
    if (name == std::string("fpmd-m")) // whose stored settings leave it out
      EXPECT_EQ(with(.6), StoredProgram(name).metric("losses/flow_loss"));
  }
}

TEST(Fpmd, EqualTimes) {
  auto moves = [](double share) {
    StoredProgram program("fpmd-m", {{"r_equal_t", share}});
    auto &time = program.argument("train_step/time");
    for (size_t i = 0; i < time.size(); i += 3)
      time[i] = .3, time[i + 1] = .6;
    double before = program.metric("losses/flow_loss");
    for (size_t i = 0; i < time.size(); i += 3)
      time[i + 1] = .8;
    return program.metric("losses/flow_loss") != before;
  };
  EXPECT_FALSE(moves(1)); // the later time is not read
  EXPECT_TRUE(moves(0));
}

TEST(Fpmd, OneStep) {
  for (const char *name : {"fpmd-r", "fpmd-m"})
    for (const auto &entry : find_algorithm(name)->schema)
      if (entry["key"] == "nfe")
        EXPECT_EQ(entry["default"], 1);
  // R's end is x_0 + v(s, x_0, 0): the base alone where v is none
  StoredProgram program("fpmd-r", {{"nfe", 1}, {"particles", 1}}, {64});
  auto arguments = program.step.arguments;
  for (auto &[key, tensor] :
       test::randomArguments(*program.module, "evaluate_64", 9))
    if (!key.starts_with("leaf:"))
      arguments[key] = tensor;
  for (const char *leaf :
       {"leaf:average_actor/layer3/weight", "leaf:average_actor/layer3/bias"})
    for (double &x : arguments.at(leaf).reals)
      x = 0;
  Tensors results =
      test::interpretEntry(*program.module, "evaluate_64", arguments);
  const auto &base = arguments.at("evaluate/base").reals;
  for (size_t i = 0; i < base.size(); ++i)
    EXPECT_NEAR(results.at("action").reals[i],
                std::fmax(-1, std::fmin(1, .6 * base[i])), 1e-6);
}

} // namespace
} // namespace phlox::rl
