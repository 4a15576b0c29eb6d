// The density of a denoiser against a Gaussian's, and what maxentdp.cpp's
// header numbers of its own.
#include "rl/algorithms/diffusion.h"
#include "test/rl/algorithms/support.h"

namespace phlox::rl {
namespace {

using test::Tensors;

constexpr double kMean = .3, kStd = .13;

// mean of -log p over N(kMean, kStd^2), by its exact denoiser
double surprise(const std::string &rule, int64_t levels) {
  constexpr int64_t rows = 6000;
  Tensors outputs = test::run_traced([&](Entry &e) {
    Key key(e.count(4), e.count(0), "f");
    Tensor a = key.normal("a", {rows, 1}) * kStd + kMean;
    auto exact = [](const Tensor &x, const Tensor &t) {
      Levels l = cosine_levels(t);
      return l.noise * (x - l.signal * kMean) /
             (square(l.signal) * (kStd * kStd) + square(l.noise));
    };
    e.output("h", mean(surprise_of(exact, {}, {rule, levels, 1}, a, key, "e")));
  });
  return outputs.at("h").reals[0];
}

TEST(MaxEntDp, EqualStepsOfLogSnr) {
  double exact = .5 * std::log(2 * M_PI * M_E * kStd * kStd);
  EXPECT_NEAR(surprise("log_snr", 10), exact, .1);
  // as published; 0.31 too much without the noise of a finite sample
  EXPECT_NEAR(surprise("noisier_end", 20), exact + .31, .1);
}

TEST(MaxEntDp, SoftTarget) {
  auto target = [](int sign) {
    StoredProgram program("maxentdp", {{"entropy_sign", sign}});
    program.argument("terminated").assign(6, 0);
    return program.run();
  };
  Tensors plus = target(1), none = target(0);
  const char *mean = "losses/soft_target_mean";
  EXPECT_NEAR(plus.at(mean).reals[0] - none.at(mean).reals[0],
              .97 * plus.at("losses/alpha").reals[0] *
                  plus.at("losses/entropy").reals[0],
              1e-6);
  EXPECT_NE(plus.at("losses/entropy").reals[0], 0);
}

TEST(MaxEntDp, DrawsOfTheIntegral) {
  StoredProgram one("maxentdp", {{"entropy.draws", 1}}), two("maxentdp");
  // equal draws are one
  auto &single = one.argument("train_step/probe");
  auto &both = two.argument("train_step/probe");
  for (size_t i = 0; i < single.size() / 2; ++i)
    for (size_t draw = 0; draw < 2; ++draw)
      for (size_t j = 0; j < 2; ++j)
        both[(i * 2 + draw) * 2 + j] = single[i * 2 + j];
  EXPECT_NEAR(one.metric("losses/entropy"), two.metric("losses/entropy"), 1e-9);
  for (size_t i = 0; i < both.size(); ++i)
    both[i] += double(i % 3) - 1;
  EXPECT_NE(one.metric("losses/entropy"), two.metric("losses/entropy"));
}

TEST(MaxEntDp, FarNoise) {
  StoredProgram program("maxentdp");
  for (double scale : {20., -20., 300.}) {
    program.argument("train_step/path").assign(12, scale);
    Tensors results = program.run();
    EXPECT_EQ(results.at("nonfinite").reals[0], 0) << scale;
    EXPECT_GE(results.at("losses/ess_mean").reals[0], 1) << scale;
  }
}

TEST(MaxEntDp, WeighedBy) {
  auto moves = [](const char *weigh_by, const std::string &critic) {
    StoredProgram program("maxentdp", {{"weigh_by", weigh_by}});
    double before = program.metric("losses/denoise_loss");
    for (const char *which : {"/0", "/1"})
      program.argument("leaf:" + critic + which + "/layer3/weight")[0] += 2;
    return program.metric("losses/denoise_loss") != before;
  };
  EXPECT_TRUE(moves("trained", "critic"));
  EXPECT_FALSE(moves("trained", "target_critic"));
  EXPECT_TRUE(moves("target", "target_critic"));
  EXPECT_FALSE(moves("target", "critic"));
}

TEST(MaxEntDp, AveragedActs) {
  StoredProgram program("maxentdp", {}, {4});
  auto arguments = program.step.arguments;
  for (const char *entry : {"sample_4", "evaluate_4"})
    for (auto &[key, tensor] : test::randomArguments(*program.module, entry, 9))
      if (!key.starts_with("leaf:"))
        arguments[key] = tensor;
  auto act = [&](const char *entry) {
    return test::interpretEntry(*program.module, entry, arguments)
        .at("action")
        .reals;
  };
  for (const char *entry : {"sample_4", "evaluate_4"}) {
    auto before = act(entry);
    // far enough to turn actions from one face of the box to the other
    for (double &x : arguments.at("leaf:actor/layer3/bias").reals)
      x -= 50;
    EXPECT_EQ(act(entry), before);
    for (double &x : arguments.at("leaf:average_actor/layer3/bias").reals)
      x = x < -20 ? 50 : -50;
    EXPECT_NE(act(entry), before);
  }
  double target = program.metric("losses/soft_target_mean");
  for (double &x : program.argument("leaf:actor/layer3/bias"))
    x -= 50;
  EXPECT_NE(program.metric("losses/soft_target_mean"), target);
}

} // namespace
} // namespace phlox::rl
