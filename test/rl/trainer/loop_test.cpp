#include "test/rl/trainer/run_lqr.h"

namespace phlox::rl::test {
namespace {

TEST(Loop, TrainsToTheEnd) {
  Scratch folder;
  ASSERT_EQ(run_lqr(small_config(), folder.path()), 0);
  fs::path run = folder.path() / "run";
  auto saved = nlohmann::json::parse(
      read_text(run / "checkpoints" / "000003000" / "trainer.json"));
  EXPECT_EQ(saved["counters"]["env_step"], 3000);
  EXPECT_EQ(saved["counters"]["vector_step"], 750);
  EXPECT_EQ(saved["counters"]["update"], 1450); // .5 of 3000 - 100
  EXPECT_EQ(saved["counters"]["evaluations"], 6);
  EXPECT_EQ(saved["counters"]["episodes"], 28); // 4 x 7 whole ones of 100
  auto result = nlohmann::json::parse(read_text(run / "result.json"));
  EXPECT_EQ(result["steps"].size(), 6u);
  EXPECT_EQ(result["returns"][5].size(), 5u);
  EXPECT_EQ(result["final"]["episodes"], 10);
  // without control the mean return is near -24
  EXPECT_GT(result["final"]["mean"], -12);
}

TEST(Loop, GivesTheSameRunForAnyThreads) {
  Scratch folder;
  TrainerConfig config = small_config();
  ASSERT_EQ(run_lqr(config, folder.path(), "one"), 0);
  config.threads = 2;
  ASSERT_EQ(run_lqr(config, folder.path(), "two"), 0);
  expect_same_run(folder.path() / "one", folder.path() / "two");
}

TEST(Loop, TrainsTheSameWithoutEvaluation) {
  Scratch folder;
  TrainerConfig config = small_config();
  ASSERT_EQ(run_lqr(config, folder.path(), "with"), 0);
  config.eval.every = 0;
  config.eval.final_episodes = 0;
  ASSERT_EQ(run_lqr(config, folder.path(), "without"), 0);
  fs::path a = folder.path() / "with", b = folder.path() / "without";
  EXPECT_EQ(without_time(a / "metrics.csv"), without_time(b / "metrics.csv"));
  EXPECT_EQ(final_arena(a), final_arena(b));
  config.seed = 2;
  ASSERT_EQ(run_lqr(config, folder.path(), "other"), 0);
  EXPECT_NE(final_arena(a), final_arena(folder.path() / "other"));
}

TEST(Loop, TakesOtherIntervalsWhenResumed) {
  Scratch folder;
  TrainerConfig config = small_config();
  config.total_timesteps = 1000;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  config.total_timesteps = 3000;
  config.eval.every = 1000;
  config.log.every = 500;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  auto result =
      nlohmann::json::parse(read_text(folder.path() / "run" / "result.json"));
  EXPECT_EQ(result["steps"], (nlohmann::json{500, 1000, 2000, 3000}));
  std::string rows = read_text(folder.path() / "run" / "metrics.csv");
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 1 + 10 + 4);
}

TEST(Loop, SaysThatEvaluationsBroke) {
  Scratch folder;
  LqrEnvironment::Options options;
  options.breaks_evaluations = true; // 3 steps of each
  testing::internal::CaptureStderr();
  ASSERT_EQ(run_lqr(small_config(), folder.path(), "run", options), 0);
  const std::string line =
      " environment steps gave numbers that were not finite or beyond float32: "
      "each counts as reward 0 and ends its episode, or begins it anew\n";
  std::string wanted;
  for (const char *count : {"3", "6", "12"}) // each time they double
    wanted += std::string("phlox: in evaluations: ") + count + line;
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            wanted + "phlox: in the final evaluation: 3" + line);
  const auto result =
      nlohmann::json::parse(read_text(folder.path() / "run" / "result.json"));
  EXPECT_EQ(result["final"]["sim_warnings"], 3);
}

} // namespace
} // namespace phlox::rl::test
