// What mfpo.cpp's header numbers, the closed form of the average divergence,
// and acting.
#include "test/rl/algorithms/support.h"
#include <algorithm>
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;

TEST(Mfpo, DivergenceOfAGaussianFlow) {
  // from N(0, .25) to N(.4, .04): D = ln(S_r / S_t) / (2 (r - t)) solves
  // D = div v + (r - t) dD/dt along v
  Tensors outputs = test::run_traced(
      [](Entry &e) {
        Tensor x = e.input("x", {4}), t = e.input("t", {4}),
               r = e.input("r", {4});
        auto spread = [](const Tensor &at) {
          return square(at) * .04 + square(1 - at) * .25;
        };
        auto velocity = [&](const Tensor &x) {
          return .4 + (t * .04 - (1 - t) * .25) / spread(t) * (x - t * .4);
        };
        Tensor v = velocity(x);
        Tensor d = log(spread(r) / spread(t)) / (2 * (r - t));
        Tensor dd = jvp(d, {x, t, r}, {v, 1, 0});
        e.output("d", d);
        e.output("off", d - jvp(v, {x}, {1}) - (r - t) * dd);
      },
      {{"x", {.2, -1, .7, .25}},
       {"t", {.35, .1, .9, 0}},
       {"r", {.8, 1, .95, 1}}});
  const double wanted[] = {-1.2587734465, -.9021298848, .5097089285,
                           -.9162907319};
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(outputs.at("d").reals[i], wanted[i], 1e-6);
    EXPECT_NEAR(outputs.at("off").reals[i], 0, 1e-6);
  }
}

TEST(Mfpo, BothTimes) {
  StoredProgram program("mfpo");
  auto sizes = test::leaf_sizes(*program.program);
  EXPECT_EQ(sizes.at("actor/layer1/weight"), (3 + 2 + 2 * 9) * 8);
  EXPECT_EQ(sizes.at("divergence/layer1/weight"), (3 + 2 + 2 * 9) * 8);
  EXPECT_EQ(sizes.at("divergence/layer3/bias"), 1);
}

TEST(Mfpo, NextEntropy) {
  auto entropy = [](const char *changed) {
    StoredProgram program("mfpo");
    if (*changed)
      program.argument(changed)[0] += 1;
    return program.metric("losses/entropy");
  };
  EXPECT_EQ(entropy(""), entropy("obs"));
  EXPECT_NE(entropy(""), entropy("next_obs"));
  StoredProgram program("mfpo");
  program.argument("leaf:log_alpha/adam_m") = {0};
  Tensors results = program.run();
  double excess = results.at("losses/entropy").reals[0] -
                  results.at("losses/target_entropy").reals[0];
  EXPECT_NEAR(results.at("leaf:log_alpha/adam_m").reals[0], .1 * excess, 1e-6);
}

TEST(Mfpo, OnePoint) {
  auto rates = [](double rate) {
    nlohmann::json settings;
    for (const char *key : {"critic.lr", "actor.lr", "divergence.lr"})
      settings[key] = settings[std::string(key) + "_final"] = rate;
    return settings;
  };
  StoredProgram slow("mfpo", rates(0)), fast("mfpo", rates(1));
  // whatever moved first would show in the others' gradients
  Tensors still = slow.run(), far = fast.run();
  for (const char *leaf :
       {"leaf:critic/0/layer1/weight", "leaf:actor/layer1/weight",
        "leaf:divergence/layer1/weight"}) {
    std::string moment = std::string(leaf) + "/adam_m";
    EXPECT_GT(test::distance(still.at(leaf), far.at(leaf)), .1);
    EXPECT_EQ(test::distance(still.at(moment), far.at(moment)), 0) << leaf;
  }
}

TEST(Mfpo, SquaredCritics) {
  StoredProgram program("mfpo", {{"critics", "squared"}, {"entropy_sign", 0}});
  EXPECT_EQ(test::leaf_sizes(*program.program).at("critic/0/layer3/bias"), 1);
  auto target = [&](double one, double two, const char *twins) {
    StoredProgram program(
        "mfpo",
        {{"critics", "squared"}, {"entropy_sign", 0}, {"twins", twins}});
    for (const char *name : {"0", "1"}) {
      std::string layer = std::string("leaf:target_critic/") + name + "/layer3";
      auto &weight = program.argument(layer + "/weight");
      std::fill(weight.begin(), weight.end(), 0);
      program.argument(layer + "/bias") = {*name == '0' ? one : two};
    }
    return program.metric("losses/soft_target_mean");
  };
  double going = .97 * 4 / 6; // four of six go on
  EXPECT_NEAR(target(2, 5, "min") - target(0, 0, "min"), 2 * going, 1e-6);
  EXPECT_NEAR(target(2, 5, "mean") - target(0, 0, "min"), 3.5 * going, 1e-6);
}

TEST(Mfpo, ProposalsCountByTheirSampleSizes) {
  // at a high temperature all clean actions weigh the same
  StoredProgram hot("mfpo");
  hot.argument("leaf:log_alpha") = {20};
  EXPECT_NEAR(hot.metric("losses/ess_box"), 4, 1e-5);
  EXPECT_LT(hot.metric("losses/ess_policy"), 3);
  StoredProgram cold("mfpo");
  cold.argument("leaf:log_alpha") = {-20};
  EXPECT_NEAR(cold.metric("losses/ess_box"), 1, 1e-3);
}

TEST(Mfpo, EvaluatesTheBestOfSeveral) {
  auto act = [](const std::string &entry, int which) {
    StoredProgram program("mfpo");
    auto arguments = program.step.arguments;
    mlir::MLIRContext *context = program.program->context();
    arguments["obs"] = test::reals(context, {2, 3}, {1, 0, 2, 0, 1, 1});
    arguments["step"] = arguments.at("leaf:step");
    const std::vector<double> noise = {.1, -.4, 1.2, .3, -.7, .9};
    std::vector<double> chosen, all;
    for (int row = 0; row < 2; ++row) {
      all.insert(all.end(), noise.begin(), noise.end());
      chosen.insert(chosen.end(), noise.begin() + 2 * which,
                    noise.begin() + 2 * which + 2);
    }
    arguments["evaluate/base"] = test::reals(context, {2, 3, 2}, all);
    arguments["sample/base"] = test::reals(context, {2, 1, 2}, chosen);
    return test::interpretEntry(*program.module, entry, arguments)
        .at("action")
        .reals;
  };
  auto best = act("evaluate_2", 0);
  std::vector<std::vector<double>> firsts, seconds;
  for (int which = 0; which < 3; ++which) {
    auto one = act("sample_2", which);
    firsts.push_back({one[0], one[1]});
    seconds.push_back({one[2], one[3]});
  }
  EXPECT_NE(firsts[0], firsts[1]);
  EXPECT_THAT(firsts, testing::Contains(std::vector{best[0], best[1]}));
  EXPECT_THAT(seconds, testing::Contains(std::vector{best[2], best[3]}));
}

} // namespace
} // namespace phlox::rl
