// The tasks that are not simulated, but for lqr, against numbers known from
// quadrature and from steps by hand.
#include "envs/replay.h"
#include "test/envs/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

namespace phlox::envs {
namespace {

Replay run(Environment &environment, const std::vector<double> &x,
           const std::vector<double> &actions) {
  return replay(environment, x, {}, std::span<const double>(actions));
}

double sum(const std::vector<double> &numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.);
}

TEST(MultigoalTest, KnownSums) {
  const auto environment = make_environment("multigoal", {});
  std::vector<double> actions;
  for (int i = 0; i < 20; ++i)
    for (int j = 0; j < 2; ++j)
      actions.push_back(.4 * std::sin(.3 * i + j));
  const Replay wander = run(*environment, {.1, -.05}, actions);
  EXPECT_NEAR(sum(wander.reward), -361.212288021836, 1e-11);
  EXPECT_NEAR(wander.obs[38], .208590488243639, 1e-14);
  EXPECT_NEAR(wander.obs[39], -.295763843717224, 1e-14);

  // 9 steps of .5 to the goal at 5: within 1 of it, not at 4 itself
  std::vector<double> straight(18);
  for (std::size_t k = 0; k < straight.size(); k += 2)
    straight[k] = .5;
  const Replay goal = run(*environment, {0, 0}, straight);
  EXPECT_EQ(sum(goal.reward), -128.75);
  EXPECT_EQ(goal.terminated,
            (std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 0, 0, 1}));
}

TEST(MultigoalTest, FourGoalsAreEquallyGood) {
  const auto environment = make_environment("multigoal", {});
  const auto reward = [&](double x, double y) {
    return run(*environment, {4 * x, 4 * y}, {.3 * x, .3 * y}).reward[0];
  };
  // 30 .09 + .7^2, and 10 on arrival
  EXPECT_NEAR(reward(1, 0), 10 - 2.7 - .49, 1e-14);
  EXPECT_EQ(reward(-1, 0), reward(1, 0));
  EXPECT_EQ(reward(0, 1), reward(1, 0));
  EXPECT_EQ(reward(0, -1), reward(1, 0));
}

TEST(MultigoalTest, ActionsAndPositionsAreClipped) {
  const auto environment = make_environment("multigoal", {});
  const Replay beyond = run(*environment, {6.5, -6.5}, {3, -3});
  EXPECT_EQ(beyond.obs, (std::vector<double>{7, -7}));
  EXPECT_EQ(beyond.reward[0], -(60 + 4 + 49)); // both goals are as far
}

TEST(MultigoalTest, KeywordArguments) {
  const auto environment =
      make_environment("multigoal", {{"goal_reward", 3},
                                     {"actuation_cost_coeff", 2},
                                     {"distance_cost_coeff", .5},
                                     {"max_episode_steps", 7}});
  EXPECT_EQ(environment->spec().max_episode_steps, 7);
  EXPECT_EQ(run(*environment, {0, 4}, {0, .5}).reward[0], 3 - .5 - .125);
  EXPECT_EQ(message_of<std::invalid_argument>(
                [] { make_environment("multigoal", {{"init_sigma", -1}}); }),
            "multigoal: init_sigma must be at least 0: got -1");
  EXPECT_EQ(message_of<std::invalid_argument>(
                [&] { run(*environment, {1, 2, 3}, {}); }),
            "multigoal: qpos must have 2 numbers and qvel none: got 3 and 0");
}

TEST(MultigoalTest, StartsAreNormal) {
  const auto environment = make_environment("multigoal", {});
  const int count = 10000;
  double mean = 0, square = 0, both = 0, x[2];
  for (int episode = 0; episode < count; ++episode) {
    Stream noise(0, "env", 0, static_cast<std::uint64_t>(episode));
    environment->reset(noise);
    environment->observe(x);
    mean += (x[0] + x[1]) / count;
    square += (x[0] * x[0] + x[1] * x[1]) / count;
    both += x[0] * x[1] / count;
  }
  // five standard errors
  EXPECT_NEAR(mean, 0, 5 * .1 * std::sqrt(2. / count));
  EXPECT_NEAR(square, .02, 5 * .01 * std::sqrt(4. / count));
  EXPECT_NEAR(both, 0, 5 * .01 / std::sqrt(count));
}

/// Soft value, mean reward and entropy of exp(r / alpha) over its integral.
struct Soft {
  double value, reward, entropy;
};

/// Nodes of Simpson's rule on [-1, 1] and their weights.
struct Nodes {
  explicit Nodes(int intervals) {
    for (int k = 0; k <= intervals; ++k) {
      const bool end = k == 0 || k == intervals;
      at.push_back(2. * k / intervals - 1);
      weight.push_back((end ? 1. : k % 2 == 1 ? 4. : 2.) * 2 / 3 / intervals);
    }
  }
  std::vector<double> at, weight;
};

double reward(Environment &environment, const std::vector<double> &action) {
  return environment.step(Action(std::span<const double>(action)), nullptr)
      .reward;
}

Soft solve(const std::vector<double> &rewards,
           const std::vector<double> &weights, double alpha) {
  double total = 0, mean = 0;
  for (std::size_t k = 0; k < rewards.size(); ++k) {
    const double mass = weights[k] * std::exp(rewards[k] / alpha);
    total += mass;
    mean += mass * rewards[k];
  }
  mean /= total;
  const double value = alpha * std::log(total);
  return {value, mean, (value - mean) / alpha};
}

void expect_soft(const Soft &got, const Soft &wanted) {
  EXPECT_NEAR(got.value, wanted.value, 1e-9);
  EXPECT_NEAR(got.reward, wanted.reward, 1e-9);
  EXPECT_NEAR(got.entropy, wanted.entropy, 1e-9);
}

TEST(BanditTest, FourModesHaveTheirSoftValues) {
  const auto environment = make_environment("multigoal-bandit", {});
  const Nodes nodes(500);
  std::vector<double> rewards, weights;
  for (std::size_t i = 0; i < nodes.at.size(); ++i)
    for (std::size_t j = 0; j < nodes.at.size(); ++j) {
      rewards.push_back(reward(*environment, {nodes.at[i], nodes.at[j]}));
      weights.push_back(nodes.weight[i] * nodes.weight[j]);
    }
  // by Gauss-Legendre quadrature with 400 x 400 nodes
  expect_soft(solve(rewards, weights, 1),
              {-1.3810304302, -.9996667139, -.3813637163});
  expect_soft(solve(rewards, weights, .5),
              {-1.0370729581, -.5000001174, -1.0741456815});
  expect_soft(solve(rewards, weights, .1), {-.3683583851, -.1, -2.6835838515});
}

TEST(BanditTest, TheParabolaHasItsSoftValues) {
  const auto environment = make_environment("bandit-1d", {});
  const Nodes nodes(2000);
  std::vector<double> rewards;
  for (const double action : nodes.at)
    rewards.push_back(reward(*environment, {action}));
  expect_soft(solve(rewards, nodes.weight, .5),
              {.1663170799, .0995174830, .1335991937});
}

TEST(BanditTest, EveryStepTerminates) {
  for (const char *id : {"bandit-1d", "multigoal-bandit"}) {
    VectorEnv env = make_vector_env(id, {}, 2, 1);
    env.reset();
    for (int t = 0; t < 3; ++t) {
      env.step(test_actions(env, t));
      EXPECT_THAT(see(env, 2).terminated, ::testing::ElementsAre(1, 1));
      EXPECT_THAT(see(env, 2).episode_length, ::testing::ElementsAre(1, 1));
      EXPECT_THAT(see(env, 2).obs, ::testing::ElementsAre(0, 0));
    }
    EXPECT_EQ(env.sim_warnings(), 0);
    const auto environment = make_environment(id, {});
    EXPECT_EQ(message_of<std::invalid_argument>(
                  [&] { environment->set_state(std::vector<double>{1}, {}); }),
              std::string(id) +
                  ": qpos and qvel must have no numbers: got 1 and 0");
  }
}

} // namespace
} // namespace phlox::envs
