// Mixtures fitted to samples: Gaussians that lie apart, and one alone.
#include "rl/algorithms/mixture.h"
#include "test/support/algorithm_runner.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace phlox::rl {
namespace {

using test::Tensors;

Tensors fit(const std::vector<double> &samples, int64_t count, int64_t size,
            int64_t components, int64_t steps) {
  return test::run_traced(
      [&](Entry &e) {
        Tensor x = e.input("x", {1, count, size});
        Mixture mixture = fit_mixture(x, components, steps);
        e.output("weights", mixture.weights);
        e.output("means", mixture.means);
        e.output("covariances", mixture.covariances);
        e.output("entropy", entropy_bound(mixture));
      },
      {{"x", samples}});
}

TEST(Mixture, OneComponentHasTheMomentsOfItsSamples) {
  Tensors found = fit({0, 0, 2, 0, 0, 1, 2, 1}, 4, 2, 1, 3);
  EXPECT_NEAR(found.at("means").reals[0], 1, 1e-5);
  EXPECT_NEAR(found.at("means").reals[1], .5, 1e-5);
  EXPECT_NEAR(found.at("covariances").reals[0], 1, 1e-5);
  EXPECT_NEAR(found.at("covariances").reals[1], 0, 1e-5);
  EXPECT_NEAR(found.at("covariances").reals[3], .25, 1e-5);
  EXPECT_NEAR(found.at("entropy").reals[0],
              std::log(2 * M_PI * M_E) + .5 * std::log(.25), 1e-4);
}

TEST(Mixture, FindsGaussiansThatLieApart) {
  // half, a third and a sixth of the samples around three places
  std::mt19937 generator(5);
  std::normal_distribution<double> normal;
  const double place[3][2] = {{-.8, 0}, {.7, .7}, {.6, -.8}},
               std[3] = {.1, .05, .08};
  const int member[6] = {0, 1, 0, 2, 0, 1};
  constexpr int64_t count = 1200;
  std::vector<double> x;
  for (int64_t i = 0; i < count; ++i)
    for (int k = 0; k < 2; ++k)
      x.push_back(place[member[i % 6]][k] +
                  std[member[i % 6]] * normal(generator));
  Tensors found = fit(x, count, 2, 3, 30);
  double entropy = 0;
  const double share[3] = {1. / 2, 1. / 3, 1. / 6};
  for (int k = 0; k < 3; ++k)
    entropy += share[k] * (std::log(2 * M_PI * M_E) + 2 * std::log(std[k]) -
                           std::log(share[k]));
  EXPECT_NEAR(found.at("entropy").reals[0], entropy, .06);
  double product = 1;
  for (double w : found.at("weights").reals)
    product *= w;
  EXPECT_NEAR(product, 1. / 36, 1e-3);
}

TEST(Mixture, StaysFiniteForSamplesThatAreAlike) {
  Tensors found = fit(std::vector<double>(20, 1), 10, 2, 3, 10);
  EXPECT_TRUE(std::isfinite(found.at("entropy").reals[0]));
  EXPECT_LT(found.at("entropy").reals[0], -9);
}

} // namespace
} // namespace phlox::rl
