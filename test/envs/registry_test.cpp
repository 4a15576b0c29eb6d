#include "envs/registry.h"
#include "test/envs/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::envs {
namespace {

using ::testing::HasSubstr;

std::string refusal(const char *id, const Kwargs &kwargs) {
  return message_of<std::invalid_argument>(
      [&] { make_environment(id, kwargs); });
}

TEST(RegistryTest, EveryEntryIsMadeFromItsDefaults) {
  ASSERT_FALSE(environments().empty());
  for (const Entry &entry : environments()) {
    const auto environment = make_environment(entry.id, Kwargs::object());
    const Spec &spec = environment->spec();
    EXPECT_EQ(spec.id, entry.id);
    EXPECT_FALSE(entry.summary.empty());
    EXPECT_GT(spec.obs_size, 0);
    EXPECT_GT(spec.action_size, 0);
    EXPECT_GT(spec.max_episode_steps, 0);
    EXPECT_EQ(std::ssize(spec.action_low), spec.action_size);
    EXPECT_EQ(std::ssize(spec.action_high), spec.action_size);
  }
}

TEST(RegistryTest, UnknownIdNamesTheNearest) {
  EXPECT_EQ(refusal("halfcheetah-v4", {}),
            "environment must be a known id: got 'halfcheetah-v4', nearest "
            "known: HalfCheetah-v5, Reacher-v5, Walker2d-v5");
  EXPECT_THAT(refusal("LQ", {}), HasSubstr("nearest known: lqr,"));
}

TEST(RegistryTest, UnknownKeyListsTheValidOnes) {
  EXPECT_EQ(refusal("HalfCheetah-v5", {{"frame_skp", 3}}),
            "HalfCheetah-v5: keyword argument must be one of ctrl_cost_weight, "
            "exclude_current_positions_from_observation, "
            "forward_reward_weight, frame_skip, max_episode_steps, "
            "reset_noise_scale, xml_file: got 'frame_skp'");
  EXPECT_THAT(refusal("lqr", Kwargs::array({1})),
              HasSubstr("keyword arguments must be an object: got [1]"));
}

TEST(RegistryTest, WrongTypesAndRanges) {
  const auto of = [](const char *key, const Kwargs &value) {
    return refusal("HalfCheetah-v5", {{key, value}});
  };
  EXPECT_THAT(of("frame_skip", 2.5), HasSubstr("must be an integer: got 2.5"));
  EXPECT_THAT(of("frame_skip", "5"),
              HasSubstr("must be an integer: got \"5\""));
  EXPECT_THAT(of("frame_skip", 0), HasSubstr("must be 1 to 2147483647: got 0"));
  EXPECT_THAT(of("max_episode_steps", 3000000000), HasSubstr("must be 1 to"));
  EXPECT_THAT(of("ctrl_cost_weight", true),
              HasSubstr("must be a finite number: got true"));
  EXPECT_THAT(of("exclude_current_positions_from_observation", 1),
              HasSubstr("must be true or false: got 1"));
  EXPECT_THAT(of("xml_file", 3), HasSubstr("must be a string: got 3"));
  EXPECT_THAT(of("reset_noise_scale", -1.),
              HasSubstr("reset_noise_scale must be at least 0: got -1"));
}

TEST(RegistryTest, RangesHaveTwoEndsThatMayBeInfinite) {
  const auto of = [](const Kwargs &value) {
    return refusal("Hopper-v5", {{"healthy_z_range", value}});
  };
  const char *required = "must be a range [low, high]: got ";
  for (const Kwargs &wrong :
       {Kwargs(1.), Kwargs("inf"), Kwargs::array({1}), Kwargs::array({2, 1}),
        Kwargs::array({0, "high"}), Kwargs::array({NAN, 1}),
        Kwargs::array({1, 2, 3}), Kwargs::array({true, 2})})
    EXPECT_EQ(of(wrong), "Hopper-v5: keyword argument 'healthy_z_range' " +
                             (required + wrong.dump()));
  const Entry &entry = find_environment("Hopper-v5");
  const double infinity = HUGE_VAL;
  const Kwargs resolved = resolve_kwargs(
      entry, {{"healthy_z_range", Kwargs::array({-infinity, 1})},
              {"healthy_angle_range", Kwargs::array({"-inf", "inf"})}});
  EXPECT_EQ(resolved["healthy_z_range"], Kwargs::array({"-inf", 1.}));
  const Range angle = range_of(resolved, "healthy_angle_range");
  EXPECT_EQ(angle.low, -infinity);
  EXPECT_EQ(angle.high, infinity);
  EXPECT_EQ(range_of(entry.defaults, "healthy_z_range").low, .7);
}

TEST(RegistryTest, RangesAreOpenClosedOrClip) {
  const Range range{-1, 2};
  EXPECT_TRUE(range.inside(0) && range.contains(-1) && range.contains(2));
  EXPECT_FALSE(range.inside(-1) || range.inside(2) || range.contains(2.1));
  EXPECT_FALSE(range.inside(NAN) || range.contains(NAN));
  EXPECT_EQ(range.clip(-3), -1);
  EXPECT_EQ(range.clip(3), 2);
  EXPECT_EQ(range.clip(.5), .5);
  EXPECT_TRUE(std::isnan(range.clip(NAN)));
}

TEST(RegistryTest, ABodyIsANumberOrAName) {
  const auto of = [](const Kwargs &value) {
    return refusal("Ant-v5", {{"main_body", value}});
  };
  EXPECT_EQ(of(13), "");
  EXPECT_EQ(of("torso"), "");
  EXPECT_THAT(of(1.5), HasSubstr("must be an integer or a string: got 1.5"));
  EXPECT_THAT(of(14), HasSubstr("'main_body' must be 0 to 13 in "));
  EXPECT_THAT(of(-1), HasSubstr(": got -1"));
  EXPECT_THAT(message_of<std::runtime_error>(
                  [] { make_environment("Ant-v5", {{"main_body", "head"}}); }),
              HasSubstr("a body 'head' is required for this task: got world, "
                        "torso, front_left_leg, "));
}

TEST(RegistryTest, EveryKeyHasItsLineOfHelp) {
  for (const Entry &entry : environments())
    for (const auto &[key, value] : entry.defaults.items()) {
      ASSERT_TRUE(entry.help.contains(key)) << entry.id << " " << key;
      EXPECT_FALSE(entry.help[key].get<std::string>().empty());
    }
}

TEST(RegistryTest, ExactFloatsAreIntegersAndIntegersAreNumbers) {
  const Entry &entry = find_environment("HalfCheetah-v5");
  const Kwargs resolved =
      resolve_kwargs(entry, {{"frame_skip", 2.0}, {"ctrl_cost_weight", 1}});
  EXPECT_TRUE(resolved["frame_skip"].is_number_integer());
  EXPECT_EQ(resolved["frame_skip"], 2);
  EXPECT_TRUE(resolved["ctrl_cost_weight"].is_number_float());
  EXPECT_EQ(resolved["reset_noise_scale"], .1);
}

TEST(RegistryTest, OwnTasksCanBeRegisteredOnce) {
  Entry own = find_environment("lqr");
  own.id = "own-lqr";
  register_environment(own);
  EXPECT_EQ(make_environment("own-lqr", {})->spec().id, "lqr");
  EXPECT_EQ(
      message_of<std::invalid_argument>([&] { register_environment(own); }),
      "an environment's id must be new: got 'own-lqr' again");
}

TEST(RegistryTest, SetsNeedAnEnvironmentAndAThread) {
  const auto of = [](int n, int threads) {
    return message_of<std::invalid_argument>(
        [&] { make_vector_env("lqr", {}, n, 0, "env", threads); });
  };
  EXPECT_EQ(of(0, 1), "lqr: at least one environment is required: got 0");
  EXPECT_EQ(of(1, 0), "lqr: at least one thread is required: got 0");
}

} // namespace
} // namespace phlox::envs
