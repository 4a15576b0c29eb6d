#include "envs/mujoco_task.h"
#include "envs/vector_env.h"
#include "rl/trainer/environment.h"
#include "test/envs/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

namespace phlox::envs {
namespace {

static_assert(rl::VectorEnvironment<VectorEnv>);

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

VectorEnv cheetahs(int n, int threads = 1, int limit = 1000) {
  VectorEnv env = make_vector_env(
      "HalfCheetah-v5", {{"max_episode_steps", limit}}, n, 7, "env", threads);
  env.reset();
  return env;
}

TEST(VectorEnvTest, TheLimitTruncatesAndKeepsTheSuccessor) {
  VectorEnv env = cheetahs(1);
  double sum = 0;
  for (int t = 0; t < 1000; ++t) {
    ASSERT_FALSE(env.truncated()[0]);
    env.step(test_actions(env, t));
    ASSERT_FALSE(env.terminated()[0]);
    sum += env.reward()[0];
    ASSERT_EQ(env.episode_length()[0], t + 1);
    ASSERT_EQ(env.episode_return()[0], sum);
    if (t < 999) {
      ASSERT_EQ(see(env, 1).obs, see(env, 1).next_obs);
    }
  }
  EXPECT_TRUE(env.truncated()[0]);
  EXPECT_NE(see(env, 1).obs, see(env, 1).next_obs);
  // the next step belongs to the new episode
  env.step(test_actions(env, 0));
  EXPECT_FALSE(env.truncated()[0]);
  EXPECT_EQ(env.episode_length()[0], 1);
  EXPECT_EQ(env.episode_return()[0], env.reward()[0]);
}

// steps a falling pole until it has fallen
VectorEnv fallen_pole(int limit) {
  VectorEnv env = make_vector_env("InvertedPendulum-v5",
                                  {{"max_episode_steps", limit}}, 1, 7);
  env.reset();
  do {
    EXPECT_FALSE(env.truncated()[0]);
    env.step(std::vector<float>{1});
  } while (!env.terminated()[0] && !env.truncated()[0]);
  return env;
}

TEST(VectorEnvTest, ATerminationKeepsTheSuccessor) {
  VectorEnv env = fallen_pole(1000);
  const int length = env.episode_length()[0];
  EXPECT_TRUE(env.terminated()[0]);
  EXPECT_FALSE(env.truncated()[0]);
  EXPECT_EQ(env.reward()[0], 0); // 1 on every step before
  EXPECT_EQ(env.episode_return()[0], length - 1);
  EXPECT_GT(std::abs(env.next_obs()[1]), .2f);
  EXPECT_LT(std::abs(env.obs()[1]), .0101f);
  EXPECT_EQ(env.sim_warnings(), 0);
  env.step(std::vector<float>{0});
  EXPECT_FALSE(env.terminated()[0]);
  EXPECT_EQ(env.episode_length()[0], 1);

  // both flags at once where the limit is met in the same step
  VectorEnv limited = fallen_pole(length);
  EXPECT_TRUE(limited.terminated()[0]);
  EXPECT_TRUE(limited.truncated()[0]);
  VectorEnv shorter = fallen_pole(length - 1);
  EXPECT_FALSE(shorter.terminated()[0]);
  EXPECT_TRUE(shorter.truncated()[0]);
}

TEST(VectorEnvTest, ShortTasksHaveTheirOwnLimits) {
  for (const auto &[id, limit] :
       {std::pair("Reacher-v5", 50), std::pair("Pusher-v5", 100)}) {
    VectorEnv env = make_vector_env(id, {}, 1, 7);
    env.reset();
    for (int t = 0; t < limit; ++t) {
      ASSERT_FALSE(env.truncated()[0]);
      env.step(test_actions(env, t));
    }
    EXPECT_TRUE(env.truncated()[0]);
    EXPECT_FALSE(env.terminated()[0]);
  }
}

TEST(VectorEnvTest, BitsDoNotDependOnThreadsOrOnOtherEnvironments) {
  const int steps = 60, limit = 25;
  VectorEnv one = cheetahs(1, 1, limit), eight = cheetahs(8, 2, limit),
            alone = cheetahs(8, 1, limit), many = cheetahs(64, 2, limit);
  EXPECT_EQ(see(alone, 8), see(eight, 8));
  for (int t = 0; t < steps; ++t) {
    one.step(test_actions(one, t));
    eight.step(test_actions(eight, t));
    alone.step(test_actions(alone, t));
    many.step(test_actions(many, t));
    ASSERT_EQ(see(one, 1), see(eight, 1)) << t;
    ASSERT_EQ(see(alone, 8), see(eight, 8)) << t;
    ASSERT_EQ(see(many, 8), see(eight, 8)) << t;
  }
}

TEST(VectorEnvTest, SeedPurposeAndEnvironmentChooseTheStart) {
  const auto start = [](std::uint64_t seed, const char *purpose) {
    VectorEnv env = make_vector_env("lqr", {}, 2, seed, purpose);
    env.reset();
    return see(env, 2).obs;
  };
  EXPECT_EQ(start(1, "env"), start(1, "env"));
  EXPECT_NE(start(1, "env"), start(2, "env"));
  EXPECT_NE(start(1, "env"), start(1, "eval"));
  EXPECT_NE(start(1, "env")[0], start(1, "env")[1]);
}

TEST(VectorEnvTest, ResetGoesOnToTheNextEpisode) {
  VectorEnv env = make_vector_env("lqr", {{"max_episode_steps", 1}}, 1, 1);
  env.reset();
  const auto first = see(env, 1);
  env.step(std::vector<float>{0});
  const auto second = see(env, 1).obs; // reset by the limit
  EXPECT_NE(first.obs, second);
  EXPECT_TRUE(env.truncated()[0]);
  VectorEnv other = make_vector_env("lqr", {{"max_episode_steps", 1}}, 1, 1);
  other.reset();
  other.reset();
  EXPECT_EQ(see(other, 1).obs, second);
  EXPECT_EQ(see(other, 1).obs, see(other, 1).next_obs);
  EXPECT_FALSE(other.truncated()[0]);
}

TEST(VectorEnvTest, ActionsAreClippedAndMappedToTheRange) {
  const Kwargs still = {{"W", 0}, {"A", 0}, {"B", 1}, {"R", 1}, {"Q", 0}};
  VectorEnv env = make_vector_env("lqr", still, 3, 1);
  env.reset();
  env.step(std::vector<float>{.5f, 1.5f, -7});
  EXPECT_THAT(see(env, 3).next_obs, ::testing::ElementsAre(3, 6, -6));
  EXPECT_THAT(see(env, 3).reward, ::testing::ElementsAre(-9, -36, -36));
}

void expect_broken_once(VectorEnv &env, const Seen &before) {
  EXPECT_EQ(env.sim_warnings(), 1);
  EXPECT_THAT(see(env, 2).terminated, ::testing::ElementsAre(1, 0));
  EXPECT_EQ(env.reward()[0], 0);
  const Seen after = see(env, 2);
  const auto width = env.obs_size();
  const auto row = [&](const std::vector<float> &rows) {
    return std::vector(rows.begin(), rows.begin() + width);
  };
  EXPECT_EQ(row(after.next_obs), row(before.obs)); // the last finite one
  EXPECT_NE(row(after.obs), row(before.obs));      // a new episode
  for (int t = 0; t < 20; ++t) {
    env.step(test_actions(env, t));
    ASSERT_FALSE(env.terminated()[0]);
    for (const float number : env.next_obs())
      ASSERT_TRUE(std::isfinite(number));
  }
  EXPECT_EQ(env.sim_warnings(), 1);
}

TEST(VectorEnvTest, ABrokenPositionEndsTheEpisodeAndCountsOnce) {
  VectorEnv env = cheetahs(2);
  env.step(test_actions(env, 0));
  const Seen before = see(env, 2);
  dynamic_cast<MujocoTask &>(env.environment(0)).data().qpos[3] = nan;
  env.step(test_actions(env, 1));
  expect_broken_once(env, before);
}

TEST(VectorEnvTest, AHugeVelocityDoesToo) {
  VectorEnv env = cheetahs(2);
  env.step(test_actions(env, 0));
  const Seen before = see(env, 2);
  dynamic_cast<MujocoTask &>(env.environment(0)).data().qvel[0] = 1e11;
  env.step(test_actions(env, 1));
  expect_broken_once(env, before);
}

TEST(VectorEnvTest, AnActionThatIsNotANumberDoesToo) {
  VectorEnv env = cheetahs(2);
  env.step(test_actions(env, 0));
  const Seen before = see(env, 2);
  auto actions = test_actions(env, 1);
  actions[2] = nan;
  env.step(actions);
  expect_broken_once(env, before);
}

TEST(VectorEnvTest, ATaskWithoutSimulatorBreaksWhereFloat32Ends) {
  VectorEnv env = make_vector_env("lqr", {{"A", 1e20}}, 1, 1);
  env.reset();
  int broken_at = 0;
  for (int t = 1; t <= 3 && broken_at == 0; ++t) {
    env.step(std::vector<float>{0});
    broken_at = env.terminated()[0] ? t : 0;
    ASSERT_TRUE(std::isfinite(env.next_obs()[0]));
    ASSERT_TRUE(std::isfinite(env.reward()[0]));
  }
  EXPECT_EQ(broken_at, 2);
  EXPECT_EQ(env.sim_warnings(), 1);
}

TEST(VectorEnvTest, WrongCallsAreRefused) {
  VectorEnv env = make_vector_env("HalfCheetah-v5", {}, 2, 1);
  const auto message = [&](std::size_t numbers) {
    return message_of<std::runtime_error>(
        [&] { env.step(std::vector<float>(numbers)); });
  };
  EXPECT_EQ(message(11), "HalfCheetah-v5: actions must be 2x6: got 11 numbers");
  EXPECT_EQ(message(12),
            "HalfCheetah-v5: reset must come before the first step: got none");
}

} // namespace
} // namespace phlox::envs
