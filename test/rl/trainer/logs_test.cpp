// Tables, event files, manifest and progress of a real run.
#include "rl/trainer/counters.h"
#include "rl/trainer/evaluation.h"
#include "rl/trainer/event_writer.h"
#include "runtime/sha256.h"
#include "test/rl/trainer/run_lqr.h"
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <map>
#include <set>

namespace phlox::rl::test {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;

fs::path event_file(const fs::path &run) {
  for (const auto &entry : fs::directory_iterator(run))
    if (entry.path().filename().string().starts_with("events."))
      return entry.path();
  return {};
}

TEST(Events, HoldTheRun) {
  Scratch folder;
  ASSERT_EQ(run_lqr(small_config(), folder.path()), 0);
  auto records = read_events(event_file(folder.path() / "run").string());
  EXPECT_EQ(records.at(0).file_version, "brain.Event:2");
  std::map<std::string, std::vector<std::int64_t>> steps;
  std::map<std::string, std::string> texts;
  double wall = 0;
  for (const EventRecord &record : records) {
    EXPECT_GE(record.wall_time, wall);
    wall = record.wall_time;
    for (const auto &[tag, value] : record.scalars)
      steps[tag].push_back(record.step);
    for (const auto &[tag, text] : record.texts)
      texts[tag] = text;
  }
  std::set<std::string> tags;
  for (const auto &[tag, at] : steps)
    tags.insert(tag);
  EXPECT_THAT(tags, IsSupersetOf({"charts/episodic_return",
                                  "charts/episodic_length",
                                  "charts/SPS",
                                  "charts/SPS_window",
                                  "charts/updates_per_sec",
                                  "charts/replay_size",
                                  "charts/sim_warnings",
                                  "charts/nan_guard",
                                  "losses/qf1_loss",
                                  "losses/actor_loss",
                                  "losses/alpha",
                                  "eval/episodic_return",
                                  "eval/return_sd",
                                  "eval/return_min",
                                  "eval/return_max",
                                  "eval/length",
                                  "eval/sample_us",
                                  "time/env",
                                  "time/sample",
                                  "time/update",
                                  "time/replay",
                                  "time/eval",
                                  "time/checkpoint",
                                  "time/other",
                                  "system/rss_gb"}));
  EXPECT_EQ(steps["charts/SPS"].size(), 30u);
  EXPECT_EQ(steps["eval/length"],
            (std::vector<std::int64_t>{500, 1000, 1500, 2000, 2500, 3000}));
  EXPECT_EQ(steps["charts/episodic_return"].size(), 28u);
  EXPECT_EQ(steps["losses/alpha"].front(), 200); // the first row with updates
  EXPECT_THAT(texts["hyperparameters/text_summary"], HasSubstr("|seed|1|"));
  EXPECT_THAT(texts["manifest/text_summary"], HasSubstr("artifact_hash"));
}

TEST(Events, DamageIsFound) {
  Scratch folder;
  EventWriter writer(folder.path().string(), 1e9, 0);
  EventWriter::Scalar value{"a", 1.5};
  writer.scalars({&value, 1}, 7, 2);
  writer.text("t", "words", 0, 3);
  EXPECT_TRUE(writer.failure().empty());
  auto records = read_events(writer.path());
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1].step, 7);
  EXPECT_EQ(records[1].wall_time, 1e9 + 2);
  EXPECT_EQ(records[1].scalars[0], (std::pair<std::string, float>("a", 1.5f)));
  EXPECT_EQ(records[2].texts[0].second, "words");
  std::string bytes = read_text(writer.path());
  for (std::size_t at : {std::size_t(0), bytes.size() / 2, bytes.size() - 1}) {
    std::string changed = bytes;
    changed[at] ^= 8;
    write_text(writer.path(), changed);
    EXPECT_THROW(read_events(writer.path()), std::runtime_error) << at;
  }
  write_text(writer.path(), bytes.substr(0, bytes.size() - 3));
  EXPECT_THROW(read_events(writer.path()), std::runtime_error);
  // RFC 3720: 32 bytes of zeros, and of ones
  std::vector<std::byte> block(32);
  EXPECT_EQ(crc32c(block), 0x8a9136aau);
  std::fill(block.begin(), block.end(), std::byte{0xff});
  EXPECT_EQ(crc32c(block), 0x62a8ab43u);
}

TEST(Tables, HoldTheRun) {
  Scratch folder;
  TrainerConfig config = small_config();
  config.total_timesteps = 500;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  std::istringstream lines(read_text(folder.path() / "run" / "metrics.csv"));
  std::string header, first;
  std::getline(lines, header);
  std::getline(lines, first);
  EXPECT_THAT(header, testing::StartsWith(
                          "env_step,update,wall_s,charts_episodic_return,"));
  EXPECT_THAT(header, testing::EndsWith(
                          ",losses_qf1_loss,losses_actor_loss,losses_alpha"));
  EXPECT_THAT(first, testing::StartsWith("100,0,"));
  EXPECT_THAT(first, testing::EndsWith(",,,")); // no update, no loss
  EXPECT_EQ(std::count(header.begin(), header.end(), ','),
            std::count(first.begin(), first.end(), ','));
  std::string episodes = read_text(folder.path() / "run" / "episodes.csv");
  EXPECT_THAT(episodes, testing::StartsWith(
                            "env_step,env,return,length,terminated,truncated,"
                            "wall_s\n400,0,-"));
  EXPECT_THAT(episodes, HasSubstr(",100,0,1,"));
  auto manifest =
      nlohmann::json::parse(read_text(folder.path() / "run" / "manifest.json"));
  EXPECT_EQ(manifest["exit_reason"], "finished");
  EXPECT_EQ(manifest["env_step"], 500);
  EXPECT_EQ(manifest["sha256"].size(), 5u);
}

TEST(Tables, KeepTheColumnsThatAnotherVersionBegan) {
  Scratch folder;
  TrainerConfig config = small_config();
  config.total_timesteps = 400;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  // as if there had been a column more, another one not yet, and another order
  fs::path table = folder.path() / "run" / "metrics.csv";
  std::string rows = "losses_alpha,env_step,old_name\n,1,2\n";
  write_text(table, rows);
  fs::path last = folder.path() / "run" / "checkpoints" / "000000400";
  auto state = nlohmann::json::parse(read_text(last / "trainer.json"));
  state["telemetry"]["offsets"][0] = rows.size();
  write_text(last / "trainer.json", state.dump(1) + "\n");
  std::string sums = read_text(last / "SUMS");
  std::string text = read_text(last / "trainer.json");
  sums.erase(sums.rfind('\n', sums.size() - 2) + 1);
  sums += fmt::format(
      "{}  {}  trainer.json\n",
      runtime::to_hex(runtime::sha256(std::as_bytes(std::span(text)))),
      text.size());
  write_text(last / "SUMS", sums);
  config.total_timesteps = 500;
  ASSERT_EQ(run_lqr(config, folder.path()), 0);
  std::string found = read_text(table);
  ASSERT_THAT(found, testing::StartsWith(rows));
  EXPECT_THAT(found.substr(rows.size()),
              testing::MatchesRegex("[0-9.e-]+,500,\n"));
}

TEST(Tables, ShareOfTimeSumsToOne) {
  Scratch folder;
  ASSERT_EQ(run_lqr(small_config(), folder.path()), 0);
  auto records = read_events(event_file(folder.path() / "run").string());
  int rows = 0;
  for (const EventRecord &record : records) {
    double sum = 0;
    int parts = 0;
    for (const auto &[tag, value] : record.scalars)
      if (tag.starts_with("time/")) {
        sum += value;
        ++parts;
      }
    if (parts == 0)
      continue;
    EXPECT_EQ(parts, 7);
    EXPECT_NEAR(sum, 1, 1e-5);
    ++rows;
  }
  EXPECT_EQ(rows, 30);
}

TEST(Evaluation, CountsTheSameEpisodesHoweverLongTheyTake) {
  // environments that end early must not crowd the sample
  phlox_executable *loaded = nullptr;
  check(phlox_executable_wrap(lqr_program_query, &loaded));
  std::unique_ptr<phlox_executable, ExecutableDelete> executable(loaded);
  Program program(loaded, 1);
  program.init(1);
  LqrEnvironment::Options options;
  options.terminate_at = .7; // lengths from 1 to 100
  auto run = [&](int count) {
    EnvironmentHolder<LqrEnvironment> env(std::make_unique<LqrEnvironment>(
        EnvironmentRequest{4, "eval/0", 3}, options));
    Actor actor = program.actor("evaluate", 3);
    return evaluate(actor, env, count, 0).value();
  };
  Evaluation seven = run(7), eight = run(8);
  ASSERT_EQ(seven.returns.size(), 7u);
  for (int i = 0; i < 7; ++i)
    EXPECT_EQ(seven.returns[i], eight.returns[i]);
  std::set<int> lengths(seven.lengths.begin(), seven.lengths.end());
  EXPECT_GT(lengths.size(), 2u);
  EXPECT_FALSE(lengths.contains(0));
}

TEST(Evaluation, Summarizes) {
  const double returns[] = {5, 1, 100, 3, 4, 2, -50, 6};
  Summary summary = summarize(returns);
  EXPECT_DOUBLE_EQ(summary.mean, 71. / 8);
  EXPECT_DOUBLE_EQ(summary.iqm, 3.5);
  EXPECT_EQ(summary.min, -50);
  EXPECT_EQ(summary.max, 100);
  EXPECT_NEAR(summary.sd, 41.336381, 1e-6);
  const double one[] = {7};
  EXPECT_EQ(summarize(one).sd, 0);
  EXPECT_EQ(summarize(one).iqm, 7);
}

TEST(Counters, CountUpdatesByFractions) {
  std::int64_t before = 0;
  for (std::int64_t step = 0; step <= 5000; step += 5) {
    std::int64_t due = updates_due(step, 1000, .2);
    EXPECT_EQ(due - before, step > 1000 ? 1 : 0) << step;
    before = due;
  }
  EXPECT_EQ(updates_due(100, 0, .29), 29);
  EXPECT_EQ(updates_due(7, 7, 20), 0);
  EXPECT_EQ(updates_due(8, 7, 20), 20);
  EXPECT_EQ(updates_due(1'000'000'000, 0, .1), 100'000'000);
}

TEST(Progress, IsALineOfData) {
  Scratch folder;
  TrainerConfig config = small_config();
  config.log.stdout_s = 0;
  config.total_timesteps = 1000;
  testing::internal::CaptureStdout();
  ASSERT_EQ(run_lqr(config, folder.path(), "run", {}, Verbosity::normal), 0);
  std::string said = testing::internal::GetCapturedStdout();
  EXPECT_THAT(said, HasSubstr("1,000/1,000  100%  "));
  EXPECT_THAT(said, testing::ContainsRegex(
                        "return -[0-9.,]+ \\(last 8: -[0-9.,]+ ± [0-9.]+\\)  "
                        "eval -[0-9.,]+ @1,000  α "));
  EXPECT_EQ(said.find('\r'), std::string::npos); // no terminal here
  EXPECT_THAT(said, HasSubstr("final evaluation, 10 episodes: -"));
}

} // namespace
} // namespace phlox::rl::test
