// Runs by configuration, curves over runs, scores that are compared.
#include "tools/report/group.h"
#include "tools/report/published.h"
#include <cmath>
#include <gmock/gmock.h>

namespace phlox::report {
namespace {

using testing::ElementsAre;
using Runs = std::vector<Run>; // a test has a Run of its own

Run make_run(const std::string &seed, const std::string &rate,
             const std::vector<std::pair<double, double>> &evaluations,
             const std::vector<double> &final = {}) {
  Run run;
  run.algorithm = "sac";
  run.env = "lqr";
  run.seed = seed;
  run.config = {{"algorithm", "\"sac\""},
                {"env.id", "\"lqr\""},
                {"seed", seed},
                {"threads", seed},
                {"actor.lr", rate}};
  for (const auto &[step, mean] : evaluations)
    run.evaluations.push_back({step, 0, mean, 0, mean, mean, mean, {mean}});
  if (!final.empty())
    run.last.push_back({9, 0, 0, 0, 0, 0, 0, final});
  return run;
}

TEST(Group, SeedAndThreadsDoNotSetRunsApart) {
  const Runs runs = {make_run("1", "0.1", {}), make_run("2", "0.1", {}),
                     make_run("3", "0.2", {})};
  const auto groups = group_runs(runs);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_THAT(groups[0].runs, ElementsAre(&runs[0], &runs[1]));
  EXPECT_EQ(groups[0].label, "sac · actor.lr=0.1");
  EXPECT_EQ(groups[1].label, "sac · actor.lr=0.2");
  const auto rows = differences(groups);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].key, "actor.lr");
  EXPECT_THAT(rows[0].values, ElementsAre("0.1", "0.2"));
  EXPECT_TRUE(sets_apart("total_timesteps"));
  EXPECT_FALSE(sets_apart("eval.every"));
}

TEST(Group, AKeyThatOneGroupLacksIsADifference) {
  Runs runs = {make_run("1", "0.1", {}), make_run("2", "0.1", {})};
  runs[1].config["actor.init"] = "\"uniform\"";
  const auto rows = differences(group_runs(runs));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_THAT(rows[0].values, ElementsAre("–", "\"uniform\""));
}

TEST(Group, PublishedChoicesAreNotNamedOneByOne) {
  Runs runs = {make_run("1", "0.1", {}), make_run("2", "0.1", {}),
               make_run("3", "0.1", {}), make_run("4", "0.1", {})};
  for (size_t i : {1, 2}) {
    runs[i].as_published = {"clip", "nfe", "std"};
    runs[i].config.insert({{"clip", "true"}, {"nfe", "20"}, {"std", "1.0"}});
  }
  auto labels = [&] {
    std::vector<std::string> all;
    for (const Group &group : group_runs(runs))
      all.push_back(group.label);
    return all;
  };
  EXPECT_THAT(labels(), ElementsAre("sac", "sac as published"));
  // neither do others hide: a key of the run's own
  runs[2].config["actor.lr"] = "0.2";
  EXPECT_THAT(labels(), ElementsAre("sac · actor.lr=0.1",
                                    "sac as published · actor.lr=0.1",
                                    "sac as published · actor.lr=0.2"));
  // one that a run set against the published choice, one that another has
  runs[2].config["actor.lr"] = "0.1";
  runs[2].config["nfe"] = "5";
  runs[2].as_published.clear();
  runs[3].config["clip"] = "true";
  EXPECT_THAT(labels(),
              ElementsAre("sac · no clip, no nfe, no std", "sac as published",
                          "sac · clip=true, nfe=5, std=1.0",
                          "sac · clip=true, no nfe, no std"));
}

TEST(Group, PrecisionSetsRunsApart) {
  Runs runs = {make_run("1", "0.1", {}), make_run("2", "0.1", {}),
               make_run("3", "0.1", {}), make_run("4", "0.2", {})};
  runs[0].precision = "high"; // the second is of before there was a choice
  runs[2].precision = runs[3].precision = "bf16";
  const auto groups = group_runs(runs);
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_THAT(groups[0].runs, ElementsAre(&runs[0], &runs[1]));
  EXPECT_EQ(groups[0].label, "sac · actor.lr=0.1");
  EXPECT_EQ(groups[1].label, "sac in bf16 · actor.lr=0.1");
  EXPECT_EQ(groups[2].label, "sac in bf16 · actor.lr=0.2");
  const auto rows = differences(groups);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].key, "precision");
  EXPECT_THAT(rows[1].values, ElementsAre("f32", "bf16", "bf16"));
}

TEST(Group, CurveIsOfTheRunsThatCameThatFar) {
  const Runs runs = {make_run("1", "0.1", {{10, 1}, {20, 3}, {30, 5}}),
                     make_run("2", "0.1", {{10, 3}, {30, 7}}),
                     make_run("3", "0.1", {{10, 8}, {20, 9}}),
                     make_run("4", "0.1", {})};
  const auto groups = group_runs(runs);
  const Curve curve = learning_curve(groups.at(0));
  EXPECT_THAT(curve.steps, ElementsAre(10, 20, 30));
  // the second run's value at 20 lies half-way
  EXPECT_THAT(curve.middle, ElementsAre(4, (3 + 5 + 9) / 3.0, 6));
  EXPECT_THAT(curve.count, ElementsAre(3, 3, 2));
  EXPECT_EQ(curve.low[0], 1); // (1/3)^3 = .037 > .025
  EXPECT_EQ(curve.high[0], 8);
  EXPECT_TRUE(std::isnan(curve.low[2]));
}

TEST(Group, LinesAreNotExtended) {
  const std::vector<double> x = {1, 3}, y = {10, 20};
  EXPECT_EQ(interpolate(x, y, 2), 15);
  EXPECT_EQ(interpolate(x, y, 3), 20);
  EXPECT_EQ(interpolate(x, y, 0.5), std::nullopt);
  EXPECT_EQ(interpolate(x, y, 4), std::nullopt);
  EXPECT_EQ(interpolate({}, {}, 1), std::nullopt);
}

TEST(Group, ScoresAreFinalEvaluationsWhereARunHasOne) {
  const Runs runs = {make_run("1", "0.1", {{10, 1}}, {5, 6}),
                     make_run("2", "0.1", {{10, 2}})};
  const auto group = group_runs(runs).at(0);
  EXPECT_EQ(group.scores_of, "final evaluation");
  ASSERT_EQ(group.scores.size(), 1u);
  EXPECT_THAT(group.scores[0].values, ElementsAre(5, 6));
  EXPECT_THAT(group.counted, ElementsAre(&runs[0]));
}

TEST(Group, ElseScoresAreOfTheLastStepThatRunsShare) {
  const Runs runs = {make_run("1", "0.1", {{1000, 1}, {2000, 2}, {3000, 3}}),
                     make_run("2", "0.1", {{1000, 4}, {2000, 5}}),
                     make_run("3", "0.1", {})};
  const auto group = group_runs(runs).at(0);
  EXPECT_EQ(group.scores_of, "evaluation at 2,000");
  ASSERT_EQ(group.scores.size(), 2u);
  EXPECT_THAT(group.scores[0].values, ElementsAre(2));
  EXPECT_THAT(group.scores[1].values, ElementsAre(5));
}

TEST(Published, ScaleHasRandomAtZeroAndItsReferenceAtOne) {
  EXPECT_DOUBLE_EQ(*normalised("HalfCheetah-v5", -274), 0);
  EXPECT_DOUBLE_EQ(*normalised("HalfCheetah-v5", 11945.1), 1);
  EXPECT_EQ(normalised("HumanoidStandup-v5", 1), std::nullopt);
  EXPECT_EQ(published("HalfCheetah-v5").size(), 5u);
  EXPECT_TRUE(published("Hopper-v5").empty());
}

} // namespace
} // namespace phlox::report
