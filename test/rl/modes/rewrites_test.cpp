// The compiler's rewrites on train steps: FLOPs fall, numbers stay. Sizes are
// large enough for the rewrites to pay.
#include "rl/algorithms/registry.h"
#include "test/support/program_runner.h"
#include "test/support/rewriting.h"
#include <gtest/gtest.h>

namespace phlox {
namespace {

// how much of an algorithm's train step is left, for sizes of a task
double share(const std::string &name, int64_t obs, int64_t action) {
  Program program = rl::find_algorithm(name)->build(
      {obs, action, "test"}, nlohmann::json::object(), {1});
  auto with = test::simplified(program.module());
  auto without = test::simplified(program.module(), test::allRewrites());
  return test::flopsOf(*with, "train_step") /
         test::flopsOf(*without, "train_step");
}

struct Expected {
  const char *name;
  double small, large; // shares for HalfCheetah and Humanoid
};
class Rewrites : public testing::TestWithParam<Expected> {};

TEST_P(Rewrites, TakeFewerFlops) {
  EXPECT_LT(share(GetParam().name, 17, 6), GetParam().small);
  EXPECT_LT(share(GetParam().name, 348, 17), GetParam().large);
}

TEST_P(Rewrites, KeepTheNumbers) {
  nlohmann::json wanted = {{"batch", 64},
                           {"actor.hidden", {64, 64}},
                           {"critic.hidden", {64, 64}},
                           {"proposals", 16},
                           {"proposal", "mixture"},
                           {"nfe", 2}};
  nlohmann::json config;
  const auto *algorithm = rl::find_algorithm(GetParam().name);
  for (const auto &entry : algorithm->schema)
    if (auto key = entry["key"].get<std::string>(); wanted.contains(key))
      config[key] = wanted[key];
  Program program = algorithm->build({30, 3, "test"}, config, {1});
  auto rewritten = test::simplified(program.module());
  EXPECT_LT(
      test::flopsOf(*rewritten, "train_step"),
      test::flopsOf(*test::simplified(program.module(), test::allRewrites()),
                    "train_step"));
  auto arguments =
      test::interpretEntry(program.module(), "init",
                           test::randomArguments(program.module(), "init", 3));
  for (auto &[name, tensor] :
       test::randomArguments(program.module(), "train_step", 5))
    if (!name.starts_with("leaf:") || !arguments.contains(name))
      arguments.insert_or_assign(name, tensor);
  auto expected =
      test::interpretEntry(program.module(), "train_step", arguments);
  auto found = test::interpretEntry(*rewritten, "train_step", arguments);
  ASSERT_FALSE(expected.empty());
  for (auto &[name, tensor] : expected)
    EXPECT_LT(test::distance(found.at(name), tensor), 1e-7) << name;
}
INSTANTIATE_TEST_SUITE_P(Shipped, Rewrites,
                         testing::Values(Expected{"sac", 0.995, 0.94},
                                         Expected{"td3", 0.997, 0.97},
                                         Expected{"flame-m", 0.95, 0.60},
                                         Expected{"flame-r", 0.975, 0.65},
                                         Expected{"fmer", 0.965, 0.66},
                                         Expected{"isfm", 0.965, 0.65}),
                         [](const auto &info) {
                           std::string name = info.param.name;
                           std::erase(name, '-');
                           return name;
                         });

} // namespace
} // namespace phlox
