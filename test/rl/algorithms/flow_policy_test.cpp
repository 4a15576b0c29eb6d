// What the headers of flow policies number in common, for each of them.
#include "rl/algorithms/flow_policy.h"
#include "test/rl/algorithms/support.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;

class FlowPolicies : public testing::TestWithParam<std::string> {
protected:
  double metric(const nlohmann::json &settings, const std::string &name) {
    return StoredProgram(GetParam(), settings).metric(name);
  }
};

// those that regress on reverse sampling
class ReversePolicies : public FlowPolicies {};
// those that clip to the box
class ClippedPolicies : public FlowPolicies {};

TEST_P(FlowPolicies, SoftTargetSign) {
  auto target = [&](int sign) {
    StoredProgram program(GetParam(), {{"entropy_sign", sign}});
    program.argument("terminated").assign(6, 0);
    return program.run();
  };
  Tensors plus = target(1), none = target(0), minus = target(-1);
  const char *mean = "losses/soft_target_mean";
  double bonus = plus.at(mean).reals[0] - none.at(mean).reals[0];
  double entropy = plus.at("losses/entropy").reals[0];
  double alpha = plus.at("losses/alpha").reals[0];
  EXPECT_GT(std::abs(entropy), .1);
  EXPECT_NEAR(bonus, .97 * alpha * entropy, 1e-6);
  EXPECT_NEAR(none.at(mean).reals[0] - minus.at(mean).reals[0], bonus, 1e-6);
}

TEST_P(ReversePolicies, BaseStd) {
  // one value everywhere is what is meant by leaving the others out
  StoredProgram one(GetParam());
  StoredProgram three(GetParam(), {{"path_std", 0.6}, {"density_std", 0.6}});
  for (auto &[name, value] : one.run())
    EXPECT_EQ(test::distance(three.run().at(name), value), 0) << name;
  // another density biases the entropy of the same sample
  double bias = metric({{"density_std", 1.}}, "losses/entropy") -
                one.metric("losses/entropy");
  double expected = 0;
  for (double e : one.argument("train_step/base")) {
    double x = .6 * e;
    expected += (std::log(1 / .6) + .5 * x * x - .5 * e * e) / 6;
  }
  EXPECT_NEAR(bias, expected, 1e-6);
  // and another path the regression's points
  EXPECT_NE(metric({{"path_std", 1.}}, "losses/flow_loss"),
            one.metric("losses/flow_loss"));
}

TEST_P(FlowPolicies, AlphaFloor) {
  StoredProgram program(GetParam(), {{"alpha.floor", 0.25}});
  program.argument("leaf:log_alpha") = {-20};
  Tensors low = program.run();
  program.argument("leaf:log_alpha") = {std::log(0.25)};
  Tensors at = program.run();
  EXPECT_EQ(low.at("losses/alpha").reals[0], .25);
  EXPECT_EQ(low.at("losses/alpha_floor_rate").reals[0], 1);
  for (const char *name :
       {"losses/soft_target_mean", "losses/ess_mean", "losses/flow_loss"})
    EXPECT_NEAR(low.at(name).reals[0], at.at(name).reals[0], 1e-6) << name;
}

TEST_P(ReversePolicies, WeightTemperature) {
  // weights sharpen with the temperature far below 1
  StoredProgram program(GetParam());
  double before = 1;
  for (double log_alpha : {-1., -3., -5.}) {
    program.argument("leaf:log_alpha") = {log_alpha};
    double ess = program.metric("losses/ess_mean");
    if (log_alpha < -1)
      EXPECT_LT(ess, before - .1) << log_alpha;
    EXPECT_GE(ess, 1);
    before = ess;
  }
}

TEST_P(ReversePolicies, FarIntervals) {
  // points some twenty standard deviations outside of the box
  StoredProgram program(GetParam());
  for (double scale : {20., -20., 300.}) {
    program.argument("train_step/path").assign(12, scale);
    Tensors results = program.run();
    EXPECT_EQ(results.at("nonfinite").reals[0], 0) << scale;
    EXPECT_GE(results.at("losses/ess_mean").reals[0], 1) << scale;
  }
}

TEST_P(FlowPolicies, TargetSample) {
  // three equal particles are one sample, with its own entropy
  StoredProgram one(GetParam()), three(GetParam(), {{"target_particles", 3}});
  auto &base = one.argument("train_step/base");
  auto &all = three.argument("train_step/base");
  for (int row = 0; row < 6; ++row)
    for (int particle = 0; particle < 3; ++particle)
      for (int i = 0; i < 2; ++i)
        all[(row * 3 + particle) * 2 + i] = base[row * 2 + i];
  for (auto &[name, value] : one.run())
    EXPECT_LE(test::distance(three.run().at(name), value), 1e-12) << name;
  // of different ones the critics choose
  for (size_t i = 0; i < all.size(); ++i)
    all[i] += double(i % 5) - 2;
  EXPECT_NE(three.metric("losses/entropy"), one.metric("losses/entropy"));
}

// actions of 64 rows; exploration noise is one value everywhere. `reach` scales
// the averaged policy's output
std::vector<double> act(const std::string &name, const char *entry,
                        const nlohmann::json &settings, double noise,
                        double reach = 1) {
  StoredProgram program(name, settings, {64});
  auto arguments = program.step.arguments;
  Tensors drawn = test::randomArguments(*program.module, entry, 9);
  for (auto &[key, tensor] : drawn)
    if (!key.starts_with("leaf:"))
      arguments[key] = tensor;
  for (const char *leaf :
       {"leaf:average_actor/layer3/weight", "leaf:average_actor/layer3/bias"})
    for (double &x : arguments.at(leaf).reals)
      x *= reach;
  for (auto &[key, tensor] : arguments)
    if (key.ends_with("/exploration"))
      tensor.reals.assign(tensor.reals.size(), noise);
  return test::interpretEntry(*program.module, entry, arguments)
      .at("action")
      .reals;
}

TEST_P(ClippedPolicies, RankClipped) {
  nlohmann::json ranked = {{"particles", 5}, {"base_std", 0.1}};
  nlohmann::json raw = ranked;
  raw["rank_clipped"] = false;
  // inside the box both are one; outside the critics see other actions
  EXPECT_EQ(act(GetParam(), "evaluate_64", ranked, 0, 0),
            act(GetParam(), "evaluate_64", raw, 0, 0));
  EXPECT_NE(act(GetParam(), "evaluate_64", ranked, 0, 2),
            act(GetParam(), "evaluate_64", raw, 0, 2));
}

TEST_P(FlowPolicies, ExplorationAddsTheTemperature) {
  nlohmann::json one = {{"particles", 1}, {"noise_scale", 0.5}};
  auto quiet = act(GetParam(), "sample_64", one, 0);
  auto noisy = act(GetParam(), "sample_64", one, 0.3);
  double std = .5 * std::exp(-.7f) * .3;
  for (size_t i = 0; i < quiet.size(); ++i) {
    EXPECT_LE(std::abs(noisy[i]), 1);
    EXPECT_NEAR(noisy[i], std::min(quiet[i] + std, 1.), 1e-6);
  }
}

TEST_P(FlowPolicies, OnePoint) {
  // the critics' own step does not reach weights and policy
  StoredProgram still(GetParam(), {{"critic.lr", 0.}});
  StoredProgram moving(GetParam(), {{"critic.lr", 1.}});
  Tensors slow = still.run(), fast = moving.run();
  EXPECT_GT(test::distance(slow.at("leaf:critic/0/layer1/weight"),
                           fast.at("leaf:critic/0/layer1/weight")),
            .1);
  EXPECT_EQ(test::distance(slow.at("leaf:actor/layer1/weight"),
                           fast.at("leaf:actor/layer1/weight")),
            0);
  EXPECT_EQ(slow.at("losses/ess_mean").reals, fast.at("losses/ess_mean").reals);
}

INSTANTIATE_TEST_SUITE_P(All, FlowPolicies,
                         testing::Values("flame-r", "flame-m", "isfm", "fmer"),
                         suffix_of);
INSTANTIATE_TEST_SUITE_P(All, ClippedPolicies,
                         testing::Values("flame-r", "flame-m", "isfm"),
                         suffix_of);
INSTANTIATE_TEST_SUITE_P(All, ReversePolicies,
                         testing::Values("flame-r", "flame-m"), suffix_of);

} // namespace
} // namespace phlox::rl
