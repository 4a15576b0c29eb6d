// Holds every simulated task against stored steps of Gymnasium's own
// environments, and against sums that are written here.
#include "envs/replay.h"
#include "test/envs/support.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <map>

namespace phlox::envs {
namespace {

/// One case for each simulated task.
class TrajectoriesTest : public ::testing::TestWithParam<std::string> {
protected:
  TrajectoriesTest() {
    std::ifstream stored(PHLOX_TESTDATA "/" + GetParam() + ".json");
    if (stored)
      file_ = Kwargs::parse(stored);
  }

  Kwargs file_;
};

std::vector<std::string> compared_tasks() {
  std::vector<std::string> ids = simulated_tasks();
  ids.emplace_back("FrankaKitchen-v1");
  return ids;
}

INSTANTIATE_TEST_SUITE_P(All, TrajectoriesTest,
                         ::testing::ValuesIn(compared_tasks()), case_name);

// on one machine the match is exact; another libm may round otherwise, and a
// start moved by 1e-15 moves sums over these tasks by up to 1e-8
double tolerance_of(const std::string &id) {
  const std::map<std::string, double> wide = {{"Ant-v5", 1e-11},
                                              {"FrankaKitchen-v1", 1e-10},
                                              {"Humanoid-v5", 1e-9},
                                              {"HumanoidStandup-v5", 1e-10}};
  return wide.contains(id) ? wide.at(id) : 2e-12;
}

template <class T> std::vector<T> flat(const Kwargs &rows) {
  std::vector<T> numbers;
  for (const auto &row : rows)
    for (const auto &number : row)
      numbers.push_back(static_cast<T>(number.get<double>()));
  return numbers;
}

Replay run(Environment &environment, const Kwargs &trajectory) {
  const auto qpos = trajectory["qpos"].get<std::vector<double>>();
  const auto qvel = trajectory["qvel"].get<std::vector<double>>();
  const auto wide = flat<double>(trajectory["actions"]);
  const auto narrow = flat<float>(trajectory["actions"]);
  return trajectory["dtype"] == "float32"
             ? replay(environment, qpos, qvel, std::span<const float>(narrow))
             : replay(environment, qpos, qvel, std::span<const double>(wide));
}

void expect_row(std::span<const double> got, const Kwargs &wanted,
                double tolerance) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t k = 0; k < got.size(); ++k)
    ASSERT_NEAR(got[k], wanted[k].get<double>(), tolerance) << "number " << k;
}

std::vector<double> start_obs(Environment &environment,
                              const Kwargs &trajectory) {
  environment.set_state(trajectory["qpos"].get<std::vector<double>>(),
                        trajectory["qvel"].get<std::vector<double>>());
  std::vector<double> obs(
      static_cast<std::size_t>(environment.spec().obs_size));
  environment.observe(obs);
  return obs;
}

TEST_P(TrajectoriesTest, FollowsGymnasium) {
  ASSERT_FALSE(file_.is_null()) << "no stored trajectories";
  const double tolerance = tolerance_of(GetParam());
  bool other_kwargs = false;
  for (const auto &trajectory : file_["trajectories"]) {
    SCOPED_TRACE("start " + trajectory["start"].dump() + " " +
                 trajectory["dtype"].dump() + trajectory["kwargs"].dump());
    const auto environment = make_environment(GetParam(), trajectory["kwargs"]);
    expect_row(start_obs(*environment, trajectory), trajectory["start_obs"],
               tolerance);
    const Replay got = run(*environment, trajectory);
    const auto width = static_cast<std::size_t>(environment->spec().obs_size);
    ASSERT_FALSE(trajectory["obs"].empty());
    for (std::size_t row = 0; row < trajectory["obs"].size(); ++row)
      expect_row(
          std::span(got.obs).subspan(
              trajectory["obs_steps"][row].get<std::size_t>() * width, width),
          trajectory["obs"][row], tolerance);
    expect_row(got.reward, trajectory["reward"], tolerance);
    EXPECT_EQ(Kwargs(got.terminated), trajectory["terminated"]);
    EXPECT_EQ(got.sim_warnings, 0);
    // nothing is left over from an earlier episode
    const Replay again = run(*environment, trajectory);
    EXPECT_EQ(again.obs, got.obs);
    EXPECT_EQ(again.reward, got.reward);
    other_kwargs |= !trajectory["kwargs"].empty();
  }
  EXPECT_TRUE(other_kwargs);
}

// sum of rewards, of the last observation, and of (k + 1) obs[k] of it; the
// first terminated step, counted from 1
struct Sums {
  double rewards, obs, weighted, rewards_float32;
  int end;
};

const std::map<std::string, Sums> &known_sums() {
  static const std::map<std::string, Sums> table = {
      {"HalfCheetah-v5 A",
       {-2.19752563841864, 3.68120253288744, 43.2061364203619,
        -2.19752552335146, 0}},
      {"HalfCheetah-v5 B",
       {-1.55114007275648, 3.84893342222411, 45.439795246034, -1.55114001082194,
        0}},
      {"Hopper-v5 B",
       {15.079148317323, -7.26158672888871, -63.3015724240543, 15.0791482887564,
        0}},
      {"Walker2d-v5 B",
       {11.4129125930099, -12.0292841592156, -180.653641770095,
        11.4129126634124, 0}},
      {"Ant-v5 A",
       {12.8319205565761, 3.37722530686743, 27.5359517485608, 12.8319194214015,
        0}},
      {"Ant-v5 B",
       {11.4972425238644, 2.89320431858604, 20.1725308563035, 11.4972431687798,
        0}},
      {"Humanoid-v5 A",
       {90.8212034644548, 1548.24282531067, 494384.685475873, 90.821203400797,
        0}},
      {"Humanoid-v5 B",
       {90.8340156340919, 1481.9536764449, 473426.400899078, 90.8340154316986,
        0}},
      {"HumanoidStandup-v5 A",
       {810.418885074194, 211.269560112478, 43558.70814307, 810.418888481377,
        0}},
      {"HumanoidStandup-v5 B",
       {803.904154531934, 218.431158234809, 45710.4170464296, 803.904158058546,
        0}},
      {"Swimmer-v5 A",
       {0.464893765324611, -1.49548900063645, -8.77089472044455,
        0.464893775139805, 0}},
      {"Swimmer-v5 B",
       {0.538461294732617, -1.50877967075516, -8.80983978128522,
        0.538461305008643, 0}},
      {"Reacher-v5 A",
       {-8.41858311992405, -1.55633295984338, -19.9537179745945,
        -8.41858318745108, 0}},
      {"Reacher-v5 B",
       {-8.48690933413389, -1.56591934074886, -19.9535279351744,
        -8.48690940159182, 0}},
      {"Pusher-v5 A",
       {-9.19149434054414, -0.917211629826829, -8.25305864729637,
        -9.19149436737519, 0}},
      {"Pusher-v5 B",
       {-10.9148254429948, -1.01684363713198, -10.2563141463308,
        -10.9148254685194, 0}},
      {"FrankaKitchen-v1 A", {0, 3.52356469848211, 106.20101007266, 0, 0}},
      {"InvertedPendulum-v5 A",
       {8, -0.703413046518529, -0.666911336901413, 8, 9}},
      {"InvertedPendulum-v5 B",
       {8, -0.930637023803834, -1.60882499418863, 8, 9}},
      {"InvertedDoublePendulum-v5 A",
       {11.5623180538229, -6.43201830349696, -48.577019065413, 11.562318169091,
        7}},
      {"InvertedDoublePendulum-v5 B",
       {10.8711112636453, -6.52502408964548, -50.0974852711907,
        10.8711113609922, 7}}};
  return table;
}

int first_end(const Replay &replay) {
  const auto end = std::ranges::find(replay.terminated, 1);
  return end == replay.terminated.end()
             ? 0
             : static_cast<int>(end - replay.terminated.begin()) + 1;
}

TEST_P(TrajectoriesTest, KnownSums) {
  const auto environment = make_environment(GetParam(), {});
  const auto near = [&](double got, double wanted, double factor) {
    // the table has 15 digits
    EXPECT_NEAR(got, wanted,
                factor * tolerance_of(GetParam()) + 2e-14 * std::abs(wanted));
  };
  int compared = 0;
  for (const auto &trajectory : file_["trajectories"]) {
    if (!trajectory["kwargs"].empty())
      continue;
    const std::string key =
        GetParam() + " " + trajectory["start"].get<std::string>();
    SCOPED_TRACE(key);
    const Sums &sums = known_sums().at(key);
    const Replay got = run(*environment, trajectory);
    double rewards = 0, obs = 0, weighted = 0;
    for (const double reward : got.reward)
      rewards += reward;
    const auto width = static_cast<std::size_t>(environment->spec().obs_size);
    for (std::size_t k = 0; k < width; ++k) {
      const double number = got.obs[got.obs.size() - width + k];
      obs += number;
      weighted += static_cast<double>(k + 1) * number;
    }
    const bool narrow = trajectory["dtype"] == "float32";
    near(rewards, narrow ? sums.rewards_float32 : sums.rewards, 1);
    if (!narrow) {
      near(obs, sums.obs, 1);
      near(weighted, sums.weighted, 20);
    }
    EXPECT_EQ(first_end(got), sums.end);
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

TEST(ActionTest, NumPySumsEightLanes) {
  // 1 is lost beside 2^24 in float32, so the order shows
  std::vector<float> terms(17, 1);
  terms[0] = 0x1p24f;
  // lane 0 loses its second term, the other lanes hold 2 each; the seventeenth
  // term makes 2^24 + 15, a tie that rounds up
  EXPECT_EQ(numpy_sum(std::span<const float>(terms)), 0x1p24f + 16);
  terms.resize(7);
  EXPECT_EQ(numpy_sum(std::span<const float>(terms)), 0x1p24f);
  // above 128 two halves: 2^24 + 7 ones in lane-wise pairs, and 72 ones
  terms.assign(136, 0);
  terms[0] = 0x1p24f;
  std::fill(terms.begin() + 64, terms.end(), 1.f);
  EXPECT_EQ(numpy_sum(std::span<const float>(terms)), 0x1p24f + 72);
}

TEST(ActionTest, CostIsRoundedToTheActionsType) {
  const std::vector<double> wide = {.1, .2, .3};
  const std::vector<float> narrow = {.1f, .2f, .3f};
  const float sum = (.1f * .1f + .2f * .2f) + .3f * .3f;
  EXPECT_EQ(Action(std::span<const double>(wide)).cost(.1),
            .1 * ((.1 * .1 + .2 * .2) + .3 * .3));
  EXPECT_EQ(Action(std::span<const float>(narrow)).cost(.1),
            static_cast<double>(.1f * sum));
}

} // namespace
} // namespace phlox::envs
