// Reset distributions, coordinate by coordinate, over 10,000 resets.
#include "envs/mujoco_task.h"
#include "test/envs/support.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>

namespace phlox::envs {
namespace {

constexpr int resets = 10000;

double uniform_cdf(double x, double reach) {
  return std::clamp((x + reach) / (2 * reach), 0., 1.);
}
double normal_cdf(double x, double deviation) {
  return .5 * std::erfc(-x / deviation / std::sqrt(2.));
}

// mean and variance within five standard errors, and Kolmogorov-Smirnov with a
// limit that one correct coordinate in 50,000 would exceed
template <class Cdf>
void expect_distribution(std::vector<double> sample, double variance,
                         double kurtosis, Cdf cdf) {
  const auto count = static_cast<double>(sample.size());
  double mean = 0, square = 0, distance = 0;
  for (const double x : sample) {
    mean += x / count;
    square += x * x / count;
  }
  EXPECT_NEAR(mean, 0, 5 * std::sqrt(variance / count));
  EXPECT_NEAR(square / variance, 1, 5 * std::sqrt((kurtosis - 1) / count));
  std::sort(sample.begin(), sample.end());
  for (std::size_t k = 0; k < sample.size(); ++k) {
    const double wanted = cdf(sample[k]);
    distance = std::max({distance, wanted - static_cast<double>(k) / count,
                         static_cast<double>(k + 1) / count - wanted});
  }
  EXPECT_LT(distance * std::sqrt(count), 2.4);
}

/// The coordinates of many starts, as differences from qpos0 and from rest.
struct Starts {
  std::vector<std::vector<double>> qpos, qvel; // (coordinate, reset)
};

Starts draw(const std::string &id, const Kwargs &kwargs = {}) {
  const auto environment = make_environment(id, kwargs);
  auto &task = dynamic_cast<MujocoTask &>(*environment);
  Starts starts;
  starts.qpos.resize(static_cast<std::size_t>(task.model().nq));
  starts.qvel.resize(static_cast<std::size_t>(task.model().nv));
  for (int episode = 0; episode < resets; ++episode) {
    Stream noise(0, "env", 0, static_cast<std::uint64_t>(episode));
    task.reset(noise);
    for (std::size_t k = 0; k < starts.qpos.size(); ++k)
      starts.qpos[k].push_back(task.data().qpos[k] - task.model().qpos0[k]);
    for (std::size_t k = 0; k < starts.qvel.size(); ++k)
      starts.qvel[k].push_back(task.data().qvel[k]);
  }
  return starts;
}

void expect_uniform(const std::vector<double> &sample, double reach) {
  expect_distribution(sample, reach * reach / 3, 1.8,
                      [=](double x) { return uniform_cdf(x, reach); });
}
void expect_normal(const std::vector<double> &sample, double deviation) {
  expect_distribution(sample, deviation * deviation, 3,
                      [=](double x) { return normal_cdf(x, deviation); });
}

// neighbours are independent: correlation within five standard errors
void expect_independent(const std::vector<double> &one,
                        const std::vector<double> &other) {
  double product = 0, squares = 0, other_squares = 0;
  for (std::size_t k = 0; k < one.size(); ++k) {
    product += one[k] * other[k];
    squares += one[k] * one[k];
    other_squares += other[k] * other[k];
  }
  EXPECT_NEAR(product / std::sqrt(squares * other_squares), 0,
              5 / std::sqrt(double{resets}));
}

/// Noise of one kind on all of qpos and of one on all of qvel.
struct Noise {
  double qpos_reach, qvel_scale;
  bool qvel_normal;
};

const std::map<std::string, Noise> plain_noise = {
    {"Ant-v5", {.1, .1, true}},
    {"HalfCheetah-v5", {.1, .1, true}},
    {"Hopper-v5", {5e-3, 5e-3, false}},
    {"Humanoid-v5", {1e-2, 1e-2, false}},
    {"HumanoidStandup-v5", {1e-2, 1e-2, false}},
    {"InvertedDoublePendulum-v5", {.1, .1, true}},
    {"InvertedPendulum-v5", {1e-2, 1e-2, false}},
    {"Swimmer-v5", {.1, .1, false}},
    {"Walker2d-v5", {5e-3, 5e-3, false}}};

class PlainResetTest : public ::testing::TestWithParam<std::string> {};

std::vector<std::string> plain_tasks() {
  std::vector<std::string> ids = simulated_tasks();
  std::erase(ids, "Pusher-v5"); // with tests of their own
  std::erase(ids, "Reacher-v5");
  return ids;
}

INSTANTIATE_TEST_SUITE_P(All, PlainResetTest,
                         ::testing::ValuesIn(plain_tasks()), case_name);

// a free joint's quaternion too gets noise, and is not normalised
TEST_P(PlainResetTest, Distribution) {
  ASSERT_TRUE(plain_noise.contains(GetParam()));
  const Noise &noise = plain_noise.at(GetParam());
  const Starts starts = draw(GetParam());
  for (std::size_t k = 0; k < starts.qpos.size(); ++k) {
    SCOPED_TRACE("qpos " + std::to_string(k));
    expect_uniform(starts.qpos[k], noise.qpos_reach);
  }
  for (std::size_t k = 0; k < starts.qvel.size(); ++k) {
    SCOPED_TRACE("qvel " + std::to_string(k));
    if (noise.qvel_normal)
      expect_normal(starts.qvel[k], noise.qvel_scale);
    else
      expect_uniform(starts.qvel[k], noise.qvel_scale);
  }
  expect_independent(starts.qpos[0], starts.qpos[1]);
  expect_independent(starts.qpos.back(), starts.qvel[0]);
}

TEST_P(PlainResetTest, TheScaleIsAnArgument) {
  const auto still = make_environment(GetParam(), {{"reset_noise_scale", 0}});
  Stream noise(0, "env", 0, 0);
  still->reset(noise);
  const auto &task = dynamic_cast<const MujocoTask &>(*still);
  for (int k = 0; k < task.model().nq; ++k)
    EXPECT_EQ(task.data().qpos[k], task.model().qpos0[k]);
  for (int k = 0; k < task.model().nv; ++k)
    EXPECT_EQ(task.data().qvel[k], 0);
}

TEST(ResetTest, ReachersTargetIsUniformInADisc) {
  const Starts starts = draw("Reacher-v5");
  std::vector<double> share, angle;
  for (std::size_t k = 0; k < resets; ++k) {
    const double x = starts.qpos[2][k] + .1, y = starts.qpos[3][k] - .1;
    ASSERT_LT(std::hypot(x, y), .2);
    share.push_back((x * x + y * y) / .04 - .5);
    angle.push_back(std::atan2(y, x));
    ASSERT_EQ(starts.qvel[2][k], 0);
    ASSERT_EQ(starts.qvel[3][k], 0);
  }
  expect_uniform(share, .5);
  expect_uniform(angle, std::acos(-1.));
  for (std::size_t k = 0; k < 2; ++k) {
    expect_uniform(starts.qpos[k], .1);
    expect_uniform(starts.qvel[k], .005);
  }
}

TEST(ResetTest, PushersObjectIsUniformOffTheGoal) {
  const Starts starts = draw("Pusher-v5");
  std::vector<double> far_y, far_x;
  for (std::size_t k = 0; k < resets; ++k) {
    const double y = starts.qpos[7][k], x = starts.qpos[8][k];
    ASSERT_GT(std::hypot(y, x), .17);
    ASSERT_TRUE(y >= -.3 && y < 0 && std::abs(x) < .2);
    if (y < -.17) { // a rectangle in which none is redrawn
      far_y.push_back(y + .235);
      far_x.push_back(x);
    }
    for (const std::size_t fixed : {0, 1, 2, 3, 4, 5, 6, 9, 10})
      ASSERT_EQ(starts.qpos[fixed][k], 0);
    for (std::size_t last = 7; last < 11; ++last)
      ASSERT_EQ(starts.qvel[last][k], 0);
  }
  expect_uniform(far_y, .065);
  expect_uniform(far_x, .2);
  // the rectangle's share of the area that is left
  const double half_disc = std::acos(-1.) * .17 * .17 / 2;
  const double share = .13 * .4 / (.3 * .4 - half_disc);
  EXPECT_NEAR(static_cast<double>(far_y.size()) / resets, share,
              5 * std::sqrt(share * (1 - share) / resets));
  for (std::size_t k = 0; k < 7; ++k)
    expect_uniform(starts.qvel[k], .005);
}

TEST(ResetTest, Lqr) {
  const auto environment = make_environment("lqr", {});
  std::vector<double> sample;
  for (int episode = 0; episode < resets; ++episode) {
    Stream noise(0, "env", 0, static_cast<std::uint64_t>(episode));
    environment->reset(noise);
    double x;
    environment->observe({&x, 1});
    sample.push_back(x);
  }
  expect_distribution(sample, 4. / 3, 1.8,
                      [](double x) { return uniform_cdf(x, 2); });
}

} // namespace
} // namespace phlox::envs
