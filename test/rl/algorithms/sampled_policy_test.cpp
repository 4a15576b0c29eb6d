// What the headers of policies without a density number in common, for each.
#include "rl/algorithms/settings.h"
#include "test/rl/algorithms/support.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;

class SampledPolicies : public testing::TestWithParam<std::string> {
protected:
  static nlohmann::json plain() {
    return {{"target_particles", 1}, {"target_noise", false}};
  }
};

TEST_P(SampledPolicies, TargetSample) {
  StoredProgram one(GetParam(), plain());
  nlohmann::json settings = plain();
  settings["target_particles"] = 3;
  StoredProgram three(GetParam(), settings);
  // three equal particles are one sample
  for (const auto &[name, tensor] : one.step.arguments) {
    if (!name.starts_with("train_step/base"))
      continue;
    auto &all = three.argument(name);
    size_t size = tensor.reals.size(), pairs = size / 2;
    for (size_t i = 0; i < pairs; ++i)
      for (size_t particle = 0; particle < 3; ++particle)
        for (size_t j = 0; j < 2; ++j)
          all[(i * 3 + particle) * 2 + j] = tensor.reals[i * 2 + j];
  }
  Tensors plain_results = one.run(), best = three.run();
  for (auto &[name, value] : plain_results)
    EXPECT_LE(test::distance(best.at(name), value), 1e-12) << name;
  // of different ones the critics choose
  auto &all = three.argument("train_step/base");
  for (size_t i = 0; i < all.size(); ++i)
    all[i] += double(i % 5) - 2;
  EXPECT_NE(three.metric("losses/soft_target_mean"),
            one.metric("losses/soft_target_mean"));
  // noise moves the target only if it is asked for
  settings = plain();
  settings["target_noise"] = true;
  StoredProgram noisy(GetParam(), settings);
  auto &noise = noisy.argument("train_step/exploration");
  noise.assign(noise.size(), 0);
  EXPECT_EQ(noisy.metric("losses/soft_target_mean"),
            one.metric("losses/soft_target_mean"));
  noise.assign(noise.size(), 1);
  EXPECT_NE(noisy.metric("losses/soft_target_mean"),
            one.metric("losses/soft_target_mean"));
  EXPECT_FALSE(one.step.arguments.at("train_step/base").type ==
               three.step.arguments.at("train_step/base").type);
}

TEST_P(SampledPolicies, OnePoint) {
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
}

// actions of 64 rows from an entry point; noise is one value everywhere
std::vector<double> act(const std::string &name, const char *entry,
                        const nlohmann::json &settings, double noise) {
  StoredProgram program(name, settings, {64});
  auto arguments = program.step.arguments;
  for (auto &[key, tensor] : test::randomArguments(*program.module, entry, 9))
    if (!key.starts_with("leaf:"))
      arguments[key] = tensor;
  for (auto &[key, tensor] : arguments)
    if (key.ends_with("/exploration"))
      tensor.reals.assign(tensor.reals.size(), noise);
  return test::interpretEntry(*program.module, entry, arguments)
      .at("action")
      .reals;
}

TEST_P(SampledPolicies, RankedWhenEvaluating) {
  StoredProgram program(GetParam());
  auto shape = [&](const char *entry, const char *stream) {
    return test::input_types(*program.module, entry)[stream];
  };
  EXPECT_EQ(shape("evaluate_2", "evaluate/base"), "tensor<2x3x2xf32>");
  EXPECT_EQ(shape("sample_2", "sample/base"), "tensor<2x2xf32>");
  EXPECT_EQ(shape("evaluate_2", "evaluate/exploration"), "");
  // one particle each and no noise: the same policy
  nlohmann::json one = {{"particles", 1}, {"noise_scale", 0.}};
  EXPECT_EQ(act(GetParam(), "sample_64", one, 0),
            act(GetParam(), "evaluate_64", one, 0));
}

TEST_P(SampledPolicies, ExplorationAddsTheTemperature) {
  nlohmann::json one = {{"noise_scale", 0.5}};
  auto quiet = act(GetParam(), "sample_64", one, 0),
       noisy = act(GetParam(), "sample_64", one, 0.3);
  double std = .5 * std::exp(-.7f) * .3;
  for (size_t i = 0; i < quiet.size(); ++i)
    EXPECT_NEAR(noisy[i], std::min(quiet[i] + std, 1.), 1e-6);
}

TEST_P(SampledPolicies, NoEntropyInTheTarget) {
  // without temperature there is nothing to add: the target does not see it
  StoredProgram program(GetParam(), plain());
  program.argument("terminated").assign(6, 0);
  double before = program.metric("losses/soft_target_mean");
  program.argument("leaf:log_alpha") = {1.5};
  EXPECT_EQ(program.metric("losses/soft_target_mean"), before);
}

INSTANTIATE_TEST_SUITE_P(All, SampledPolicies,
                         testing::Values("sdac", "rfm", "dpmd", "fpmd-r",
                                         "fpmd-m", "qsm"),
                         suffix_of);

} // namespace
} // namespace phlox::rl
