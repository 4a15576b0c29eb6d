// The mean noise of a latent posterior against quadrature, its variance for
// each share of gradients, and what rfm.cpp's header numbers of its own;
// sampled_policy_test.cpp has what policies without a density number in common.
#include "rl/algorithms/posterior.h"
#include "rl/algorithms/settings.h"
#include "test/rl/algorithms/support.h"

namespace phlox::rl {
namespace {

using test::Tensors;

struct Found {
  double noise, sd, velocity, share;
};

// Q = 2 a - 3 a^2, alpha = .5, base .5
Found posterior(double x, double t, std::optional<double> share,
                int64_t rows = 1500, int64_t draws = 100) {
  Tensors outputs = test::run_traced([&](Entry &e) {
    Tensor like = e.scalar(0);
    Key key(e.count(8), e.count(0), "f");
    LatentPosterior found = latent_posterior(
        fill(like, {rows, 1}, x), fill(like, {rows, 1}, t), e.scalar(.5), draws,
        .5, key,
        [](const Tensor &a) {
          Tensor flat = sum(a, -1);
          return 2 * flat - 3 * square(flat);
        },
        share);
    Tensor noise = sum(found.noise, -1), centre = mean(noise);
    e.output("noise", centre);
    e.output("sd", sqrt(mean(square(noise - centre))));
    e.output("velocity", mean(found.velocity));
    e.output("share", mean(found.share));
  });
  auto number = [&](const char *name) { return outputs.at(name).reals[0]; };
  return {number("noise"), number("sd"), number("velocity"), number("share")};
}

struct Row {
  double x, t, noise, velocity, by_value, by_gradient, mixed;
};

// quadrature, and standard deviations over 20,000 repetitions of 100 draws
const Row kRows[] = {{.2, .6, .01249055, .322925, .0600, .0731, .0073},
                     {-.7, .3, -2.14641911, 1.244032, .155, 2.33, .151},
                     {.5, .9, .13650929, .479717, .0992, .0021, .0039}};

TEST(Rfm, EveryShareHasOneExpectation) {
  for (const Row &row : kRows)
    for (double share : {0., 1.}) {
      double sd = share == 0 ? row.by_value : row.by_gradient;
      Found found = posterior(row.x, row.t, share);
      EXPECT_NEAR(found.sd, sd, .12 * sd) << row.x << " " << share;
      EXPECT_EQ(found.share, share);
      // weights normalised by themselves are off by some 1 / draws
      constexpr int rows = 400, draws = 1000;
      Found close = posterior(row.x, row.t, share, rows, draws);
      double within =
          4 * sd * std::sqrt(100. / draws / rows) + .3 * sd * 100 / draws;
      EXPECT_NEAR(close.noise, row.noise, within) << row.x << " " << share;
      EXPECT_NEAR(close.velocity, row.velocity, .5 * within / row.t);
    }
}

TEST(Rfm, LeastVariance) {
  for (const Row &row : kRows) {
    Found found = posterior(row.x, row.t, {});
    EXPECT_NEAR(found.noise, row.noise, .4 * row.mixed + 2e-3) << row.x;
    EXPECT_NEAR(found.sd, row.mixed, .15 * row.mixed) << row.x;
    EXPECT_LT(found.sd, row.by_value);
  }
}

TEST(Rfm, EqualWeightsAndNoScoreAreFinite) {
  // a single draw leaves nothing to estimate the share from
  for (const nlohmann::json &eta : {nlohmann::json(), nlohmann::json(0)})
    EXPECT_THROW(StoredProgram("rfm", {{"proposals", 1}, {"eta", eta}}),
                 SettingsError);
  StoredProgram program("rfm", {{"proposals", 1}, {"eta", 1}});
  EXPECT_EQ(program.metric("nonfinite"), 0);
}

TEST(Rfm, PolicyLatents) {
  StoredProgram stored("rfm", {{"path_actions", "stored"}});
  StoredProgram policy("rfm");
  auto moves = [](StoredProgram &program) {
    double before = program.metric("losses/flow_loss");
    for (double &a : program.argument("action"))
      a = -a;
    return program.metric("losses/flow_loss") != before;
  };
  EXPECT_TRUE(moves(stored));
  EXPECT_FALSE(moves(policy));
  // actions on the faces of the box have no latent
  stored.argument("action").assign(12, 1);
  EXPECT_EQ(stored.metric("nonfinite"), 0);
}

TEST(Rfm, Midpoint) {
  auto target = [](const char *solver, bool still) {
    StoredProgram program("rfm", {{"solver", solver}});
    if (still)
      for (const char *leaf :
           {"leaf:actor/layer3/weight", "leaf:actor/layer3/bias"})
        program.argument(leaf).assign(program.argument(leaf).size(), 0);
    return program.metric("losses/soft_target_mean");
  };
  EXPECT_EQ(target("euler", true), target("midpoint", true));
  EXPECT_NE(target("euler", false), target("midpoint", false));
}

TEST(Rfm, GradientsOfTheShareAlone) {
  // other shares, other targets of the regression
  double noise = StoredProgram("rfm", {{"eta", 0.}}).metric("losses/flow_loss");
  EXPECT_NE(noise, StoredProgram("rfm", {{"eta", 1.}})
                       .metric("losses/"
                               "flow_loss"));
  EXPECT_THROW(StoredProgram("rfm", {{"time_min", .95}}), SettingsError);
}

} // namespace
} // namespace phlox::rl
