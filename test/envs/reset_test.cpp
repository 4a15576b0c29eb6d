// Reset distributions, coordinate by coordinate, over 10,000 resets.
#include "envs/mujoco_task.h"
#include "test/envs/support.h"

#include <algorithm>
#include <gtest/gtest.h>

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
// limit that one correct coordinate in 3,000 would exceed
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
  EXPECT_LT(distance * std::sqrt(count), 2.1);
}

TEST(ResetTest, HalfCheetah) {
  const auto environment = make_environment("HalfCheetah-v5", {});
  auto &task = dynamic_cast<MujocoTask &>(*environment);
  std::vector<std::vector<double>> qpos(9), qvel(9);
  for (int episode = 0; episode < resets; ++episode) {
    Stream noise(0, "env", 0, static_cast<std::uint64_t>(episode));
    task.reset(noise);
    for (std::size_t k = 0; k < 9; ++k) {
      qpos[k].push_back(task.data().qpos[k] - task.model().qpos0[k]);
      qvel[k].push_back(task.data().qvel[k]);
    }
  }
  for (std::size_t k = 0; k < 9; ++k) {
    SCOPED_TRACE(k);
    expect_distribution(qpos[k], .01 / 3, 1.8,
                        [](double x) { return uniform_cdf(x, .1); });
    expect_distribution(qvel[k], .01, 3,
                        [](double x) { return normal_cdf(x, .1); });
  }
  // neighbours are independent: correlation within five standard errors
  double product = 0;
  for (std::size_t k = 0; k < resets; ++k)
    product += qpos[0][k] * qpos[1][k] / (.01 / 3) / resets;
  EXPECT_NEAR(product, 0, 5 / std::sqrt(double{resets}));
}

TEST(ResetTest, NoiseScaleAndRangeAreArguments) {
  const auto still =
      make_environment("HalfCheetah-v5", {{"reset_noise_scale", 0}});
  Stream noise(0, "env", 0, 0);
  still->reset(noise);
  const auto &task = dynamic_cast<const MujocoTask &>(*still);
  for (int k = 0; k < 9; ++k) {
    EXPECT_EQ(task.data().qpos[k], task.model().qpos0[k]);
    EXPECT_EQ(task.data().qvel[k], 0);
  }
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
