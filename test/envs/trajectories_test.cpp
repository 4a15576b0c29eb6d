// Holds every simulated task against stored steps of Gymnasium's own
// environments, and against sums that are written here.
#include "envs/replay.h"
#include "test/envs/support.h"

#include <fstream>
#include <gtest/gtest.h>
#include <map>

namespace phlox::envs {
namespace {

// between machines a libm may round otherwise; on one the match is exact
constexpr double tolerance = 2e-12;

Kwargs stored(const std::string &id) {
  std::ifstream file(std::string(PHLOX_TESTDATA "/") + id + ".json");
  return file ? Kwargs::parse(file) : Kwargs();
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

TEST(TrajectoriesTest, EverySimulatedTaskFollowsGymnasium) {
  int compared = 0;
  for (const Entry &entry : environments()) {
    const auto environment = make_environment(entry.id, {});
    if (environment->spec().simulator.empty())
      continue;
    const Kwargs file = stored(entry.id);
    ASSERT_FALSE(file.is_null()) << entry.id << " has no stored trajectories";
    ASSERT_EQ(file["trajectories"].size(), 4u);
    for (const auto &trajectory : file["trajectories"]) {
      SCOPED_TRACE(entry.id + " start " + trajectory["start"].dump() + " " +
                   trajectory["dtype"].dump());
      const Replay got = run(*environment, trajectory);
      const auto obs = flat<double>(trajectory["obs"]);
      ASSERT_EQ(got.obs.size(), obs.size());
      for (std::size_t k = 0; k < obs.size(); ++k)
        ASSERT_NEAR(got.obs[k], obs[k], tolerance) << "number " << k;
      for (std::size_t t = 0; t < got.reward.size(); ++t) {
        ASSERT_NEAR(got.reward[t], trajectory["reward"][t].get<double>(),
                    tolerance);
        ASSERT_EQ(got.terminated[t] != 0,
                  trajectory["terminated"][t].get<bool>());
      }
      EXPECT_EQ(got.sim_warnings, 0);
      ++compared;
    }
  }
  EXPECT_GT(compared, 0);
}

// sum of rewards, of the last observation, and of (k + 1) obs[k] of it
struct Sums {
  double rewards, obs, weighted, rewards_float32;
};

TEST(TrajectoriesTest, KnownSums) {
  const std::map<std::string, Sums> table = {
      {"HalfCheetah-v5 A",
       {-2.19752563841864, 3.68120253288744, 43.2061364203619,
        -2.19752552335146}},
      {"HalfCheetah-v5 B",
       {-1.55114007275648, 3.84893342222411, 45.439795246034,
        -1.55114001082194}}};
  int compared = 0;
  for (const Entry &entry : environments()) {
    const auto environment = make_environment(entry.id, {});
    if (environment->spec().simulator.empty())
      continue;
    const Kwargs file = stored(entry.id);
    for (const auto &trajectory : file["trajectories"]) {
      const std::string key =
          entry.id + " " + trajectory["start"].get<std::string>();
      SCOPED_TRACE(key);
      ASSERT_TRUE(table.contains(key));
      const Sums &sums = table.at(key);
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
      EXPECT_NEAR(rewards, narrow ? sums.rewards_float32 : sums.rewards,
                  tolerance);
      if (!narrow) {
        EXPECT_NEAR(obs, sums.obs, tolerance);
        EXPECT_NEAR(weighted, sums.weighted, 20 * tolerance);
      }
      ++compared;
    }
  }
  EXPECT_GT(compared, 0);
}

TEST(TrajectoriesTest, NumPySumsEightLanes) {
  // 1 is lost beside 2^24 in float32, so the order shows
  std::vector<float> terms(17, 1);
  terms[0] = 0x1p24f;
  // lane 0 loses its second term, the other lanes hold 2 each; the seventeenth
  // term makes 2^24 + 15, a tie that rounds up
  EXPECT_EQ(numpy_sum(std::span<const float>(terms)), 0x1p24f + 16);
  terms.resize(7);
  EXPECT_EQ(numpy_sum(std::span<const float>(terms)), 0x1p24f);
}

TEST(TrajectoriesTest, CostIsRoundedToTheActionsType) {
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
