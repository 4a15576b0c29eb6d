// What qsm.cpp's header numbers of its own, and what its score samples;
// sampled_policy_test.cpp has what policies without a density number in common.
#include "rl/algorithms/diffusion.h"
#include "test/rl/algorithms/support.h"

namespace phlox::rl {
namespace {

using test::Tensors;

TEST(Qsm, SlopeOfWhat) {
  auto moves = [](const char *slope_of, const std::string &critic) {
    StoredProgram program("qsm", {{"slope_of", slope_of}});
    double before = program.metric("losses/slope_mean");
    program.argument("leaf:" + critic + "/0/layer2/weight")[0] += .4;
    program.argument("leaf:" + critic + "/1/layer2/weight")[0] += .4;
    return program.metric("losses/slope_mean") != before;
  };
  EXPECT_TRUE(moves("least", "critic"));
  EXPECT_FALSE(moves("least", "target_critic"));
  EXPECT_FALSE(moves("target_mean", "critic"));
}

TEST(Qsm, GradientScale) {
  auto sizes = [](bool normalise) {
    StoredProgram program(
        "qsm", {{"normalise_slope", normalise}, {"slope_of", "least"}});
    double before = program.metric("losses/slope_mean");
    for (const char *leaf :
         {"leaf:critic/0/layer3/weight", "leaf:critic/1/layer3/weight"})
      for (double &x : program.argument(leaf))
        x *= 2;
    for (const char *leaf :
         {"leaf:critic/0/layer3/bias", "leaf:critic/1/layer3/bias"})
      program.argument(leaf)[0] *= 2;
    return std::pair(before, program.metric("losses/slope_mean"));
  };
  auto [own, twice] = sizes(false);
  EXPECT_NEAR(twice, 2 * own, 1e-6 * own);
  auto [one, same] = sizes(true);
  EXPECT_NEAR(one, 1, 1e-5);
  EXPECT_NEAR(same, 1, 1e-5);
}

TEST(Qsm, NoiseInTheBox) {
  StoredProgram program("qsm", {{"noise_scale", 1.}}, {8});
  auto arguments = program.step.arguments;
  for (auto &[key, tensor] :
       test::randomArguments(*program.module, "sample_8", 9))
    if (!key.starts_with("leaf:"))
      arguments[key] = tensor;
  arguments.at("sample/exploration").reals.assign(16, 30);
  Tensors results =
      test::interpretEntry(*program.module, "sample_8", arguments);
  for (double a : results.at("action").reals)
    EXPECT_EQ(a, 1);
  for (const auto &entry : find_algorithm("qsm")->schema)
    if (entry["key"] == "noise_scale")
      EXPECT_EQ(entry["default"], 1);
}

TEST(Qsm, NarrowerThanTheTarget) {
  // pi* = N(.3, .13^2): its score at noisy points, against that of pi* with
  // noise, which diffusion_test.cpp finds to sample it within a tenth
  constexpr double centre = .3, std = .13;
  Tensors outputs = test::run_traced([](Entry &e) {
    Key key(e.count(4), e.count(0), "f");
    Tensor a = denoise(
        DenoiserSettings(),
        [](const Tensor &x, const Tensor &t) {
          return cosine_levels(t).noise * (x - centre) * (1 / (std * std));
        },
        e.scalar(0), {4000, 1}, key, "base");
    e.output("mean", mean(a));
    e.output("variance", mean(square(a - mean(a))) * (1 / (std * std)));
  });
  EXPECT_NEAR(outputs.at("mean").reals[0], centre, .03);
  EXPECT_LT(outputs.at("variance").reals[0], .6);
}

} // namespace
} // namespace phlox::rl
