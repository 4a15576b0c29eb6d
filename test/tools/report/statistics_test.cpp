// The statistics of a report against closed forms and stored numbers.
#include "tools/report/statistics.h"
#include <gmock/gmock.h>

namespace phlox::report {
namespace {

using testing::ElementsAre;
using Values = std::vector<double>;

TEST(Statistics, InterquartileMeanCutsAQuarterOfEachEnd) {
  EXPECT_DOUBLE_EQ(iqm(Values{8, 1, 7, 2, 6, 3, 5, 4}), 4.5); // 3 4 5 6
  EXPECT_DOUBLE_EQ(iqm(Values{100, 2, 3, 4, -50}), 3);        // 2 3 4
  EXPECT_DOUBLE_EQ(iqm(Values{1, 2, 6}), 3);                  // nothing to cut
  EXPECT_DOUBLE_EQ(iqm(Values{7}), 7);
  EXPECT_TRUE(std::isnan(iqm(Values{})));
}

TEST(Statistics, MediansAndQuantilesLieBetweenNeighbours) {
  EXPECT_DOUBLE_EQ(median(Values{4, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median(Values{4, 1, 2, 3}), 2.5);
  EXPECT_DOUBLE_EQ(quantile(Values{0, 1, 2, 3}, 0.25), 0.75);
  EXPECT_DOUBLE_EQ(quantile(Values{0, 1, 2, 3}, 1), 3);
}

TEST(Statistics, OptimalityGapCapsScoresAtOne) {
  EXPECT_DOUBLE_EQ(optimality_gap(Values{0.5, 2}), 0.25);
}

TEST(Statistics, ImprovementCountsPairsAndHalfTies) {
  const Values low = {1, 2}, high = {3, 4}, same = {1, 2};
  EXPECT_EQ(improvement(high, low), 1);
  EXPECT_EQ(improvement(low, high), 0);
  EXPECT_EQ(improvement(low, same), 0.5);
  EXPECT_DOUBLE_EQ(improvement(Values{2, 5}, Values{1, 2, 3}), 4.5 / 6);
}

// what is drawn twice counts twice
TEST(Statistics, DrawnNumbersAreThoseOfTheRepeatedValues) {
  const std::vector<Unit> units = {{0, {5, 1, 9}}, {0, {2, 8}}, {0, {3}}};
  const Sample sample = pool(units);
  EXPECT_THAT(sample.values, ElementsAre(1, 2, 3, 5, 8, 9));
  EXPECT_THAT(sample.owner, ElementsAre(0, 1, 2, 0, 1, 0));
  const Values twice = {5, 1, 9, 5, 1, 9, 3};
  EXPECT_DOUBLE_EQ(drawn_iqm(sample, std::vector{2, 0, 1}), iqm(twice));
  EXPECT_DOUBLE_EQ(drawn_mean(sample, std::vector{2, 0, 1}), mean(twice));
  const Values once = {5, 1, 9, 2, 8, 3};
  EXPECT_DOUBLE_EQ(drawn_iqm(sample, std::vector{1, 1, 1}), iqm(once));
}

TEST(Statistics, IntervalOfAConstantIsThatConstant) {
  std::vector<Unit> units(5, Unit{0, Values(7, 4865.25)});
  const Interval interval = bootstrap(units, drawn_iqm, 500, "constant");
  EXPECT_DOUBLE_EQ(interval.low, 4865.25);
  EXPECT_DOUBLE_EQ(interval.high, 4865.25);
}

// the mean of 10 draws of 0 or 1 is binomial: P(<= 1) = .011, P(<= 2) = .055
TEST(Statistics, IntervalOfACoinIsBinomial) {
  std::vector<Unit> units;
  for (int i = 0; i < 10; i++)
    units.push_back({0, {i % 2 ? 1.0 : 0.0}});
  const Interval interval =
      bootstrap(units, drawn_mean, point_repetitions, "coin");
  EXPECT_DOUBLE_EQ(interval.low, 0.2);
  EXPECT_DOUBLE_EQ(interval.high, 0.8);
}

// runs are exchanged inside their task only
TEST(Statistics, StrataKeepTheirSize) {
  std::vector<Unit> units, mixed;
  for (int i = 0; i < 4; i++) {
    units.push_back({i / 2, {i / 2 * 10.0}});
    mixed.push_back({0, {i / 2 * 10.0}});
  }
  const Interval kept = bootstrap(units, drawn_mean, 500, "strata");
  EXPECT_DOUBLE_EQ(kept.low, 5);
  EXPECT_DOUBLE_EQ(kept.high, 5);
  const Interval lost = bootstrap(mixed, drawn_mean, 500, "strata");
  EXPECT_LT(lost.low, 5);
  EXPECT_GT(lost.high, 5);
}

TEST(Statistics, DrawsRepeat) {
  const std::vector<Unit> units = {{0, {1}}, {0, {2}}, {0, {4}}};
  const Interval a = bootstrap(units, drawn_mean, 100, "one");
  const Interval b = bootstrap(units, drawn_mean, 100, "one");
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
}

TEST(Statistics, ProfileStepsDownAtEachScore) {
  const std::vector<Unit> units = {{0, {1, 2}}, {0, {2, 4}}};
  const Profile profile =
      performance_profile(units, {0, 1, 1.5, 2, 3.9, 4}, "steps");
  EXPECT_THAT(profile.shares, ElementsAre(1, 0.75, 0.75, 0.25, 0.25, 0));
  EXPECT_TRUE(profile.low.empty()); // two runs carry no band
}

TEST(Statistics, BandOfAProfileIsTheBinomialOfItsRuns) {
  // 3 runs, each wholly above or below 0.5: 1/27 of the draws have none above
  const std::vector<Unit> units = {{0, {1, 1}}, {0, {0, 0}}, {0, {0, 0}}};
  const Profile profile = performance_profile(units, {0.5}, "band");
  EXPECT_DOUBLE_EQ(profile.shares[0], 1.0 / 3);
  EXPECT_DOUBLE_EQ(profile.low[0], 0);  // (2/3)^3 = .30
  EXPECT_DOUBLE_EQ(profile.high[0], 1); // (1/3)^3 = .037 > .025
}

// stored numbers of rliable 1.2.0 (arch 7.2.0, numpy 2.4.6), 50,000 and 2,000
// repetitions, for scores of 5 runs on 10 tasks without a pattern
TEST(Statistics, AgreesWithRliable) {
  std::vector<Unit> units;
  std::vector<double> all, task_means, chances;
  for (int t = 0; t < 10; t++) {
    std::vector<double> task, other;
    for (int r = 0; r < 5; r++) {
      auto score = [r](int k) {
        return (7 * r + 11 * k * k + 3 * r * k) % 23 / 16.0 + k / 20.0;
      };
      task.push_back(score(t));
      other.push_back(score(9 - t) * 0.9 + 0.05);
      units.push_back({t, {score(t)}});
    }
    all.insert(all.end(), task.begin(), task.end());
    task_means.push_back(mean(task));
    chances.push_back(improvement(task, other));
  }
  EXPECT_NEAR(iqm(all), 0.94663462, 1e-8);
  EXPECT_NEAR(mean(task_means), 0.93375, 1e-12);
  EXPECT_NEAR(median(task_means), 0.89375, 1e-12);
  EXPECT_NEAR(optimality_gap(all), 0.2335, 1e-12);
  EXPECT_NEAR(mean(chances), 0.532, 1e-12);
  const Interval wide = bootstrap(units, drawn_iqm, 20'000, "rliable");
  EXPECT_NEAR(wide.low, 0.79326923, 0.01);
  EXPECT_NEAR(wide.high, 1.08605769, 0.01);
  const Profile profile =
      performance_profile(units, {0, 0.25, 0.5, 0.75, 1, 1.25, 1.5}, "rliable");
  const Values shares = {0.98, 0.94, 0.78, 0.62, 0.42, 0.34, 0.12};
  const Values low = {0.94, 0.88, 0.68, 0.5, 0.3, 0.24, 0.04};
  const Values high = {1, 1, 0.88, 0.74, 0.54, 0.44, 0.2};
  for (std::size_t i = 0; i < shares.size(); i++) {
    EXPECT_NEAR(profile.shares[i], shares[i], 1e-12);
    EXPECT_NEAR(profile.low[i], low[i], 0.021); // one score of 50
    EXPECT_NEAR(profile.high[i], high[i], 0.021);
  }
}

} // namespace
} // namespace phlox::report
