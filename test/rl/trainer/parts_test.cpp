// What a task may say of its rewards and episodes, in tables and events; and
// videos, which change neither.
#include "rl/trainer/event_writer.h"
#include "test/rl/trainer/run_lqr.h"
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <map>

namespace phlox::rl::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

LqrEnvironment::Options told() {
  LqrEnvironment::Options options;
  options.tells_more = true;
  return options;
}

// the rows of a table by column
std::vector<std::map<std::string, std::string>> rows(const fs::path &csv) {
  std::istringstream lines(read_text(csv));
  std::vector<std::string> names;
  std::vector<std::map<std::string, std::string>> table;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line + ",");
    std::string cell;
    std::vector<std::string> row;
    while (std::getline(cells, cell, ','))
      row.push_back(cell);
    if (names.empty()) {
      names = row;
      continue;
    }
    EXPECT_EQ(row.size(), names.size());
    auto &last = table.emplace_back();
    for (std::size_t k = 0; k < names.size(); ++k)
      last[names[k]] = row.at(k);
  }
  return table;
}

std::map<std::string, std::vector<float>> scalars(const fs::path &run) {
  std::map<std::string, std::vector<float>> all;
  for (const auto &entry : fs::directory_iterator(run))
    if (entry.path().filename().string().starts_with("events."))
      for (const EventRecord &record : read_events(entry.path().string()))
        for (const auto &[tag, value] : record.scalars)
          all[tag].push_back(value);
  return all;
}

TEST(RewardParts, OfAnEpisodeAddUpToItsReturn) {
  Scratch folder;
  ASSERT_EQ(run_lqr(small_config(), folder.path(), "run", told()), 0);
  const auto episodes = rows(folder.path() / "run" / "episodes.csv");
  ASSERT_EQ(episodes.size(), 28u);
  for (const auto &row : episodes) {
    const double state = std::stod(row.at("reward_state"));
    const double effort = std::stod(row.at("reward_effort"));
    EXPECT_LT(state, 0);
    EXPECT_LT(effort, 0);
    EXPECT_NEAR(state + effort, std::stod(row.at("return")), 1e-9);
  }
  // the tables of log rows have the latest episode's
  const auto metrics = rows(folder.path() / "run" / "metrics.csv");
  EXPECT_EQ(metrics.front().at("charts_reward_state"), "");
  EXPECT_EQ(metrics.back().at("charts_reward_effort"),
            episodes.back().at("reward_effort"));
  auto events = scalars(folder.path() / "run");
  EXPECT_EQ(events["charts/reward_state"].size(), 28u);
  ASSERT_EQ(events["eval/reward_effort"].size(), 6u);
  EXPECT_NEAR(events["eval/reward_effort"][5] + events["eval/reward_state"][5],
              events["eval/episodic_return"][5], 1e-2);
}

TEST(RewardParts, GoOnInAResumedRun) {
  Scratch folder;
  TrainerConfig config = small_config();
  ASSERT_EQ(run_lqr(config, folder.path(), "whole", told()), 0);
  config.total_timesteps = 1700; // in the middle of an episode
  ASSERT_EQ(run_lqr(config, folder.path(), "parted", told()), 0);
  config.total_timesteps = 3000;
  ASSERT_EQ(run_lqr(config, folder.path(), "parted", told()), 0);
  expect_same_run(folder.path() / "whole", folder.path() / "parted");
}

TEST(Success, IsAveragedOverTheEpisodesOfAnEvaluation) {
  Scratch folder;
  ASSERT_EQ(run_lqr(small_config(), folder.path(), "run", told()), 0);
  // 5 episodes of 3 environments: 1/3, 2/3, 1, 1/3, 2/3
  auto events = scalars(folder.path() / "run");
  ASSERT_EQ(events["eval/success"].size(), 6u);
  EXPECT_NEAR(events["eval/success"][0], .6, 1e-6);
  const auto evaluations = rows(folder.path() / "run" / "eval.csv");
  EXPECT_NEAR(std::stod(evaluations.at(2).at("success")), .6, 1e-12);
  const auto result =
      nlohmann::json::parse(read_text(folder.path() / "run" / "result.json"));
  EXPECT_NEAR(result["final"]["success"], (3 * 2 + 1 / 3.) / 10, 1e-12);
}

TEST(Success, IsNotThereWhereNoTaskTellsIt) {
  Scratch folder;
  ASSERT_EQ(run_lqr(small_config(), folder.path()), 0);
  EXPECT_FALSE(scalars(folder.path() / "run").contains("eval/success"));
  EXPECT_FALSE(
      rows(folder.path() / "run" / "eval.csv").front().contains("success"));
}

TEST(Videos, AreMadeAtEvaluationsThatPassTheirStep) {
  Scratch folder;
  TrainerConfig config = small_config();
  ASSERT_EQ(run_lqr(config, folder.path(), "without"), 0);
  config.video.every = 1100; // evaluations every 500
  std::vector<std::string> made;
  const auto film = [&](const FilmTask &task) {
    EXPECT_EQ(task.environment.num_envs, 1);
    std::vector<float> obs(1), action(1, 7);
    task.actor.act(obs, task.first_step, action);
    EXPECT_LE(std::abs(action[0]), 1);
    EXPECT_TRUE(fs::is_directory(task.path.parent_path()));
    made.push_back(fmt::format("{} {}", task.path.filename().string(),
                               task.environment.purpose));
    return std::optional<std::string>("made");
  };
  ASSERT_EQ(run_lqr(config, folder.path(), "with", {}, Verbosity::quiet, film),
            0);
  EXPECT_THAT(made,
              ElementsAre("000001500.mp4 eval/2", "000002500.mp4 eval/4"));
  expect_same_run(folder.path() / "without", folder.path() / "with");
}

TEST(Videos, ThatCannotBeMadeAreSaidOnce) {
  Scratch folder;
  TrainerConfig config = small_config();
  config.video.every = 500;
  int tries = 0;
  const auto film = [&](const FilmTask &) -> std::optional<std::string> {
    ++tries;
    throw std::runtime_error("OpenGL is required: got none");
  };
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_lqr(config, folder.path(), "run", {}, Verbosity::quiet, film),
            0);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(tries, 1);
  EXPECT_THAT(said, HasSubstr("no videos, the run goes on: OpenGL is required: "
                              "got none\n"));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1);
}

} // namespace
} // namespace phlox::rl::test
