// Diffusion on the cosine path against closed forms: its levels, the sampler on
// a Gaussian, and the posterior of noise against quadrature.
#include "rl/algorithms/diffusion.h"
#include "test/support/algorithm_runner.h"
#include <cmath>
#include <gtest/gtest.h>

namespace phlox::rl {
namespace {

using test::Tensors;

// as published, of their time 1 - t
double signal_of(double t) {
  return std::cos(M_PI / 2 * (1 - t + .008) / 1.008) /
         std::cos(M_PI / 2 * .008 / 1.008);
}

TEST(Diffusion, LevelsKeepUnitVariance) {
  const std::vector<double> times = {1e-4, .0054, .2, .5, .9, .999, .9999};
  Tensors outputs = test::run_traced(
      [](Entry &e) {
        Levels levels = cosine_levels(e.input("t", {7, 1}));
        e.output("signal", levels.signal);
        e.output("noise", levels.noise);
      },
      {{"t", times}});
  for (size_t i = 0; i < times.size(); ++i) {
    double signal = outputs.at("signal").reals[i],
           noise = outputs.at("noise").reals[i], wanted = signal_of(times[i]);
    EXPECT_NEAR(signal, wanted, 1e-7 * wanted);
    EXPECT_NEAR(noise, std::sqrt(1 - wanted * wanted), 1e-7 * noise);
  }
}

struct Spread {
  double mean, variance;
};

constexpr double kMean = .3, kStd = .13;

// samples of N(kMean, kStd^2) by the exact noise, E[e | x]
Spread sampled(const DenoiserSettings &settings) {
  constexpr int64_t rows = 8000;
  Tensors outputs = test::run_traced([&](Entry &e) {
    Key key(e.count(4), e.count(0), "f");
    auto exact = [](const Tensor &x, const Tensor &t) {
      Levels levels = cosine_levels(t);
      Tensor spread =
          square(levels.signal) * (kStd * kStd) + square(levels.noise);
      return levels.noise * (x - levels.signal * kMean) / spread;
    };
    Tensor a = denoise(settings, exact, e.scalar(0), {rows, 1}, key, "base");
    e.output("mean", mean(a));
    e.output("variance", mean(square(a - mean(a))));
  });
  return {outputs.at("mean").reals[0],
          outputs.at("variance").reals[0] / (kStd * kStd)};
}

// the same sampler's variance: every step is affine in x and its noise
double variance_of(const DenoiserSettings &s) {
  double variance = 1;
  auto time = [&](int64_t k) {
    return s.time_min + (s.time_max - s.time_min) * double(k) / double(s.nfe);
  };
  for (int64_t k = 0; k < s.nfe; ++k) {
    double from = std::pow(signal_of(time(k)), 2),
           to = std::pow(signal_of(time(k + 1)), 2), share = from / to;
    double gain = std::sqrt(from) * kStd * kStd /
                  (from * kStd * kStd + 1 - from); // of the clean mean
    double slope =
        (std::sqrt(to) * (1 - share) * gain + std::sqrt(share) * (1 - to)) /
        (1 - from);
    variance *= slope * slope;
    if (k + 1 < s.nfe)
      variance += s.step_variance == "forward"
                      ? 1 - share
                      : (1 - share) * (1 - to) / (1 - from);
  }
  return variance / (kStd * kStd);
}

TEST(Diffusion, StepVariance) {
  DenoiserSettings settings;
  double forward = variance_of(settings);
  EXPECT_NEAR(forward, 1.1, .03);
  Spread spread = sampled(settings);
  EXPECT_NEAR(spread.mean, kMean, .006);
  EXPECT_NEAR(spread.variance, forward, .06);
  // as published: half of the variance is lost
  settings.step_variance = "posterior";
  double posterior = variance_of(settings);
  EXPECT_NEAR(posterior, .49, .03);
  EXPECT_NEAR(sampled(settings).variance, posterior, .04);
}

TEST(Diffusion, OneStepIsTheMean) {
  DenoiserSettings settings;
  settings.nfe = 1;
  Spread spread = sampled(settings);
  EXPECT_NEAR(spread.mean, kMean, 1e-3);
  EXPECT_LT(spread.variance, 1e-3);
  EXPECT_NEAR(spread.variance, variance_of(settings), 1e-4);
}

TEST(Diffusion, StaysInTheBox) {
  // noise predictions that send every clean action far outside
  Tensors outputs = test::run_traced([](Entry &e) {
    Key key(e.count(4), e.count(0), "f");
    DenoiserSettings settings;
    Tensor a = denoise(
        settings, [](const Tensor &x, const Tensor &) { return x - 50; },
        e.scalar(0), {64, 2}, key, "base");
    e.output("least", amin(a, {0, 1}));
    e.output("most", amax(a, {0, 1}));
  });
  EXPECT_GT(outputs.at("least").reals[0], .9);
  EXPECT_LE(outputs.at("most").reals[0], 1);
}

// E[e | x] under N(e; 0, 1) exp(Q(a) / .5), Q = 2 a - 3 a^2, with a inside the
// box or moved to its faces, by the trapezoidal rule
double noise_by_quadrature(double x, double t, bool truncated) {
  double signal = signal_of(t), std = std::sqrt(1 - signal * signal);
  double total = 0, moment = 0;
  for (int i = -80'000; i <= 80'000; ++i) {
    double e = i / 10'000., a = (x - std * e) / signal;
    if (truncated && std::abs(a) > 1)
      continue;
    a = std::fmin(std::fmax(a, -1), 1);
    double weight = std::exp(-e * e / 2 + (2 * a - 3 * a * a) / .5);
    total += weight;
    moment += weight * e;
  }
  return moment / total;
}

TEST(Diffusion, TruncatedNoise) {
  constexpr int64_t rows = 600;
  const std::pair<double, double> points[] = {
      {.2, .6}, {-.7, .3}, {.9, .9}, {1.2, .1}};
  double largest = 0;
  for (auto [x, t] : points)
    for (bool truncated : {true, false}) {
      Tensors outputs = test::run_traced([&, x = x, t = t](Entry &e) {
        Key key(e.count(11), e.count(0), "f");
        Tensor like = e.scalar(0);
        Posterior found = reverse_sample(
            fill(like, {rows, 1}, x), cosine_levels(fill(like, {rows, 1}, t)),
            e.scalar(.5), 100, key,
            [](const Tensor &a) {
              Tensor flat = sum(a, -1);
              return 2 * flat - 3 * square(flat);
            },
            truncated ? ProposalNoise::truncated : ProposalNoise::clipped);
        e.output("noise", mean(found.noise));
        e.output("largest", amax(abs(sum(found.actions, -1)), {0, 1}));
      });
      double wanted = noise_by_quadrature(x, t, truncated);
      // weights normalised by themselves are off by more where noise is free
      EXPECT_NEAR(outputs.at("noise").reals[0], wanted, truncated ? .02 : .05)
          << x << " " << t;
      EXPECT_LE(outputs.at("largest").reals[0], 1);
      largest = std::fmax(largest,
                          std::abs(wanted - noise_by_quadrature(x, t, true)));
    }
  EXPECT_GT(largest, .1); // what clipping costs
}

} // namespace
} // namespace phlox::rl
