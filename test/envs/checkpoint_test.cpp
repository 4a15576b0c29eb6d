#include "test/envs/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::envs {
namespace {

using ::testing::HasSubstr;

VectorEnv make(const std::string &id, std::uint64_t seed = 3) {
  // short episodes, so that the steps after the load cross resets
  Kwargs kwargs = Kwargs::object();
  if (find_environment(id).defaults.contains("max_episode_steps"))
    kwargs["max_episode_steps"] = id.find("itchen") == id.npos ? 180 : 15;
  return make_vector_env(id, kwargs, 3, seed, "env", 2);
}

class EveryCheckpointTest : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(All, EveryCheckpointTest,
                         ::testing::ValuesIn(all_tasks()), case_name);

TEST_P(EveryCheckpointTest, GoesOnBitForBit) {
  VectorEnv env = make(GetParam());
  env.reset();
  int t = 0;
  // a step of a kitchen takes a hundred times those of the others
  const bool slow = GetParam().find("itchen") != std::string::npos;
  for (; t < (slow ? 10 : 37); ++t)
    env.step(test_actions(env, t));
  const std::vector<std::byte> bytes = env.save();
  VectorEnv other = make(GetParam());
  other.load(bytes);
  EXPECT_EQ(see(other, 3), see(env, 3));
  EXPECT_EQ(other.save(), bytes);
  for (; t < (slow ? 25 : 37 + 500); ++t) {
    env.step(test_actions(env, t));
    other.step(test_actions(other, t));
    ASSERT_EQ(see(other, 3), see(env, 3)) << "step " << t;
  }
  EXPECT_EQ(other.save(), env.save());
}

TEST(CheckpointTest, BrokenEpisodesAreRemembered) {
  VectorEnv env = make("lqr");
  env.reset();
  env.step(std::vector<float>{0, std::nanf(""), 0});
  VectorEnv other = make("lqr");
  other.load(env.save());
  EXPECT_EQ(other.sim_warnings(), 1);
}

std::string refusal(VectorEnv &env, const std::vector<std::byte> &bytes) {
  return message_of<std::runtime_error>([&] { env.load(bytes); });
}

TEST(CheckpointTest, AnotherSetIsRefused) {
  VectorEnv env = make("lqr");
  env.reset();
  const auto bytes = env.save();
  VectorEnv seed = make("lqr", 4), task = make("HalfCheetah-v5"),
            defaults = make_vector_env("lqr", {}, 3, 3),
            pair = make_vector_env("lqr", {{"max_episode_steps", 180}}, 2, 3),
            eval = make_vector_env("lqr", {{"max_episode_steps", 180}}, 3, 3,
                                   "eval");
  EXPECT_EQ(refusal(seed, bytes), "environment state: seed must be 4: got 3");
  EXPECT_EQ(refusal(task, bytes),
            "environment state: task must be HalfCheetah-v5: got lqr");
  EXPECT_THAT(refusal(defaults, bytes),
              HasSubstr("keyword arguments must be {"));
  EXPECT_EQ(refusal(pair, bytes),
            "environment state: number of environments must be 2: got 3");
  EXPECT_EQ(refusal(eval, bytes),
            "environment state: purpose must be eval: got env");
}

TEST(CheckpointTest, DamageIsRefusedAndChangesNothing) {
  VectorEnv env = make("HalfCheetah-v5");
  env.reset();
  env.step(test_actions(env, 0));
  const auto bytes = env.save();
  VectorEnv other = make("HalfCheetah-v5");
  other.reset();
  const auto untouched = other.save();
  ASSERT_NE(untouched, bytes);
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    ASSERT_NE(refusal(other, {bytes.begin(), bytes.begin() + size}), "")
        << "cut to " << size;
  for (std::size_t place = 0; place < bytes.size(); place += 5) {
    auto flipped = bytes;
    flipped[place] ^= std::byte{16};
    ASSERT_NE(refusal(other, flipped), "") << "byte " << place;
  }
  auto longer = bytes;
  longer.push_back({});
  EXPECT_NE(refusal(other, longer), "");
  EXPECT_EQ(refusal(other, {}),
            "environment state must be whole: it is cut off");
  EXPECT_EQ(other.save(), untouched);
  other.load(bytes);
  EXPECT_EQ(other.save(), bytes);
}

} // namespace
} // namespace phlox::envs
