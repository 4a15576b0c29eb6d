#include "envs/replay.h"
#include "test/envs/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::envs {
namespace {

using ::testing::HasSubstr;

const Kwargs pair = {{"A", {{1, .1}, {0, .95}}},
                     {"B", {{0, .05}, {.1, 0}}},
                     {"Q", {{1, 0}, {0, .1}}},
                     {"R", {{.2, 0}, {0, .4}}},
                     {"W", {{.01, .004}, {.004, .02}}}};

Replay run(Environment &environment, std::vector<double> x,
           std::vector<double> u) {
  return replay(environment, x, {}, std::span<const double>(u));
}

TEST(LqrTest, DefaultsByHand) {
  const auto environment = make_environment("lqr", {});
  const Replay got = run(*environment, {1.3}, {-2.5, 7});
  // .95 1.3 - .4 2.5 = .235; 1.69 + .3 6.25 = 3.565
  EXPECT_NEAR(got.obs[0], .235, 1e-15);
  EXPECT_NEAR(got.reward[0], -3.565, 1e-15);
  // actions of a replay are not clipped: .95 .235 + 2.8; .055225 + .3 49
  EXPECT_NEAR(got.obs[1], 3.02325, 1e-14);
  EXPECT_NEAR(got.reward[1], -14.755225, 1e-14);
  EXPECT_EQ(got.terminated, (std::vector<std::uint8_t>{0, 0}));
}

TEST(LqrTest, TwoStatesByHand) {
  const auto environment = make_environment("lqr", pair);
  EXPECT_EQ(environment->spec().obs_size, 2);
  EXPECT_EQ(environment->spec().action_size, 2);
  const Replay got = run(*environment, {1, -1}, {2, 3});
  EXPECT_NEAR(got.obs[0], 1.05, 1e-15);    // 1 - .1 + .15
  EXPECT_NEAR(got.obs[1], -.75, 1e-15);    // -.95 + .2
  EXPECT_NEAR(got.reward[0], -5.5, 1e-15); // 1.1 + .8 + 3.6
}

TEST(LqrTest, NoiseHasItsCovariance) {
  const auto environment = make_environment("lqr", pair);
  const std::vector<double> zero = {0, 0};
  Stream noise(5, "env", 0, 0);
  const int count = 50000;
  double first = 0, second = 0, both = 0, mean = 0, x[2];
  for (int k = 0; k < count; ++k) {
    environment->set_state(zero, {});
    environment->step(Action(std::span<const double>(zero)), &noise);
    environment->observe(x);
    first += x[0] * x[0] / count;
    second += x[1] * x[1] / count;
    both += x[0] * x[1] / count;
    mean += x[0] / count;
  }
  EXPECT_NEAR(mean, 0, .0025);
  EXPECT_NEAR(first, .01, .0003);
  EXPECT_NEAR(second, .02, .0006);
  EXPECT_NEAR(both, .004, .0003);
}

TEST(LqrTest, EpisodesEndAtTheLimitAlone) {
  VectorEnv env = make_vector_env("lqr", {}, 2, 1);
  env.reset();
  for (int t = 1; t <= 200; ++t) {
    env.step(std::vector<float>{.1f, -.1f});
    ASSERT_FALSE(env.terminated()[0]);
    ASSERT_EQ(env.truncated()[0] != 0, t % 100 == 0) << t;
  }
}

TEST(LqrTest, BadMatricesAreRefused) {
  const auto of = [](const Kwargs &kwargs) {
    return message_of<std::invalid_argument>(
        [&] { make_environment("lqr", kwargs); });
  };
  EXPECT_EQ(of({{"A", {{1, 0}, {0, 1}}}}),
            "lqr: keyword argument 'B' must be 2x1: got 1x1");
  EXPECT_THAT(
      of({{"Q", {{1, 0}, {0}}}}),
      HasSubstr("rows of equally many finite numbers: got [[1,0],[0]]"));
  EXPECT_THAT(of({{"Q", {{"x"}}}}), HasSubstr("got [[\"x\"]]"));
  EXPECT_THAT(of({{"Q", Kwargs::array()}}), HasSubstr("got []"));
  EXPECT_EQ(of({{"W", -1}}), "lqr: keyword argument 'W' must be positive "
                             "semidefinite: got one that is not");
  Kwargs skewed = pair;
  skewed["W"] = {{1, .5}, {.4, 1}};
  EXPECT_EQ(of(skewed),
            "lqr: keyword argument 'W' must be symmetric: got one that is not");
  skewed["W"] = {{1, 2}, {2, 1}};
  EXPECT_THAT(of(skewed), HasSubstr("must be positive semidefinite"));
  EXPECT_EQ(of({{"action_scale", 0}}),
            "lqr: keyword argument 'action_scale' must be positive: got 0");
}

TEST(LqrTest, StatesOfAnotherSizeAreRefused) {
  const auto environment = make_environment("lqr", {});
  const auto of = [&](std::vector<double> x, std::vector<double> u) {
    return message_of<std::invalid_argument>([&] { run(*environment, x, u); });
  };
  EXPECT_EQ(of({1, 2}, {}),
            "lqr: qpos must have 1 numbers and qvel none: got 2 and 0");
  const auto two = make_environment("lqr", pair);
  EXPECT_EQ(
      message_of<std::invalid_argument>([&] { run(*two, {1, 2}, {1, 2, 3}); }),
      "lqr: actions must be steps x 2: got 3 numbers");
}

} // namespace
} // namespace phlox::envs
