#include "rl/algorithms/diffusion.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace phlox::rl {
namespace {

constexpr double offset = 0.008;
constexpr double quarter = std::numbers::pi / 2 / (1 + offset);
constexpr double start = quarter * offset; // s0

// the same levels of one known time
struct Level {
  explicit Level(double t)
      : signal(std::sin(quarter * t) / std::cos(start)),
        variance(std::sin(quarter * (1 - t)) *
                 std::sin(quarter * (1 - t) + 2 * start) /
                 std::pow(std::cos(start), 2)) {}
  double signal, variance;
};

// coefficients of the steps, one column each
struct Steps {
  std::vector<float> time, by_signal, noise, clean, keep, std;
  void add(double t, const Level &from, const Level &to, bool posterior,
           bool last) {
    double share = std::pow(from.signal / to.signal, 2), beta = 1 - share;
    double left = to.variance / from.variance;
    double variance = last ? 0 : posterior ? beta * left : beta;
    auto push = [](std::vector<float> &column, double number) {
      column.push_back(static_cast<float>(number));
    };
    push(time, t);
    push(by_signal, 1 / from.signal);
    push(noise, std::sqrt(from.variance));
    push(clean, to.signal * beta / from.variance);
    push(keep, std::sqrt(share) * left);
    push(std, std::sqrt(variance));
  }
};

} // namespace

Levels cosine_levels(const Tensor &t) {
  Tensor angle = (1 - t) * quarter;
  double scale = 1 / std::cos(start);
  return {sin(t * quarter) * scale,
          sqrt(sin(angle) * sin(angle + 2 * start)) * scale};
}

void DenoiserSettings::visit(Settings &s) {
  s.integer("nfe", nfe, 1, 1024, "network evaluations per sampled action");
  s.real("time_min", time_min, 1e-4, 1, "least time: where sampling begins");
  s.real("time_max", time_max, 0, 1 - 1e-4,
         "largest time: where sampling ends");
  s.choice("step_variance", step_variance, {"forward", "posterior"},
           "noise of a step: as the forward step adds, or as is left when the "
           "clean action is known");
}

void DenoiserSettings::check() const {
  if (time_min >= time_max)
    throw SettingsError(
        fmt::format("key 'time_min' must be below 'time_max': got {} and {}",
                    time_min, time_max));
}

NoisyPoint noisy_point(const DenoiserSettings &settings, const Tensor &action,
                       const Key &key) {
  Extents rows = action.shape();
  rows.back() = 1;
  Tensor t = settings.time_min + (settings.time_max - settings.time_min) *
                                     key.uniform("time", rows);
  Levels levels = cosine_levels(t);
  Tensor noise = key.normal("path", action.shape());
  return {levels.signal * action + levels.noise * noise, t, noise, levels};
}

Tensor denoise(const DenoiserSettings &settings, const Denoiser &denoiser,
               const Tensor &like, const Extents &shape, const Key &key,
               const std::string &stream) {
  int64_t count = settings.nfe;
  double width = settings.time_max - settings.time_min;
  auto time_of = [&](int64_t k) {
    return settings.time_min +
           width * static_cast<double>(k) / static_cast<double>(count);
  };
  Steps steps;
  for (int64_t k = 0; k < count; ++k)
    steps.add(time_of(k), Level(time_of(k)), Level(time_of(k + 1)),
              settings.step_variance == "posterior", k + 1 == count);
  auto step = [&](const Tensor &x, const auto &rows) {
    Tensor clean = (x - rows[2] * denoiser(x, rows[0])) * rows[1];
    return rows[3] * clip(clean, -1, 1) + rows[4] * x;
  };
  Tensor x = key.normal(stream, shape);
  std::vector<Tensor> columns;
  for (const auto *column : {&steps.time, &steps.by_signal, &steps.noise,
                             &steps.clean, &steps.keep, &steps.std})
    columns.push_back(constant(like.trace(), {count, 1}, *column));
  if (count == 1) {
    for (Tensor &column : columns)
      column = reshape(column, {1});
    return clip(step(x, columns), -1, 1);
  }
  Extents all = shape;
  all.insert(all.begin(), count);
  columns.push_back(key.normal(stream + "_steps", all));
  ScanStep result = scan(count, {x}, columns, [&](auto &carries, auto &rows) {
    return ScanStep{{step(carries[0], rows) + rows[5] * rows[6]}, {}};
  });
  return clip(result.carries[0], -1, 1);
}

void SurpriseSettings::visit(Settings &s) {
  s.choice(
      "entropy.rule", rule, {"log_snr", "noisier_end"},
      "levels of the density's integral: middles of equal steps of the "
      "log ratio of signal and noise, or as published ends of equal times");
  s.integer("entropy.levels", levels, 1, 1024, "levels of that integral");
  s.integer("entropy.draws", draws, 1, 1024, "draws of noise per level");
}

namespace {

// levels of the integral and what the errors there count
struct Rule {
  std::vector<float> time, signal, noise, signal2, weight;
  void add(double t, double weight_of) {
    Level level(t);
    auto push = [](std::vector<float> &column, double number) {
      column.push_back(static_cast<float>(number));
    };
    push(time, t);
    push(signal, level.signal);
    push(noise, std::sqrt(level.variance));
    push(signal2, level.signal * level.signal);
    push(weight, weight_of);
  }
};

double log_snr(double t) {
  Level level(t);
  return std::log(level.signal * level.signal / level.variance);
}

// the time whose log ratio of signal and noise this is
double time_of(double ratio) {
  double signal = std::sqrt(1 / (1 + std::exp(-ratio)));
  return std::asin(std::min(signal * std::cos(start), 1.)) / quarter;
}

Rule rule_of(const DenoiserSettings &denoising, const SurpriseSettings &s) {
  Rule rule;
  auto count = static_cast<double>(s.levels);
  auto between = [&](double from, double to, double share) {
    return from + (to - from) * share / count;
  };
  for (int64_t i = 0; i < s.levels; ++i) {
    auto at = static_cast<double>(i);
    if (s.rule == "log_snr") {
      double low = log_snr(denoising.time_min),
             high = log_snr(denoising.time_max);
      rule.add(time_of(between(low, high, at + .5)), (high - low) / count / 2);
    } else {
      double t = between(denoising.time_min, denoising.time_max, at);
      Level now(t),
          next(between(denoising.time_min, denoising.time_max, at + 1));
      double now2 = now.signal * now.signal;
      rule.add(t,
               (next.signal * next.signal - now2) / (2 * now2 * now.variance));
    }
  }
  return rule;
}

} // namespace

Tensor surprise_of(const Denoiser &denoiser, const DenoiserSettings &denoising,
                   const SurpriseSettings &settings, const Tensor &action,
                   const Key &key, const std::string &stream) {
  int64_t rows = action.extent(0), size = action.extent(1);
  Rule rule = rule_of(denoising, settings);
  auto column = [&](const std::vector<float> &numbers, Extents shape) {
    return constant(action.trace(), shape, numbers);
  };
  Extents wide{1, settings.levels, 1, 1}, flat{1, settings.levels};
  Tensor signal = column(rule.signal, wide), noise = column(rule.noise, wide);
  Tensor e = key.normal(stream, {rows, settings.levels, settings.draws, size});
  Tensor x = signal * reshape(action, {rows, 1, 1, size}) + noise * e;
  Tensor eps = denoiser(x, column(rule.time, wide));
  Tensor clean = clip((x - noise * eps) / signal, -1, 1);
  Tensor error = mean(sum(square((x - signal * clean) / noise - e), -1), 2);
  auto full = static_cast<double>(size);
  Tensor saved = sum(column(rule.weight, flat) *
                         (full * column(rule.signal2, flat) - error),
                     1);
  double gaussian = full / 2 * std::log(2 * std::numbers::pi * std::numbers::e);
  return stopgradient(gaussian - saved);
}

} // namespace phlox::rl
