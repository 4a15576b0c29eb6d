#include "rl/algorithms/flow.h"
#include <cmath>
#include <numbers>

namespace phlox::rl {
namespace {

using Map = std::function<Tensor(const Tensor &)>;

// identity matrices, one per row
Tensor identity_rows(const Tensor &like, int64_t rows, int64_t size) {
  Tensor index = iota(like.trace(), {size}, 0, Element::index);
  return broadcast(one_hot(index, size), {rows, size, size});
}

// times of steps: offset + k / steps, shaped (steps, 1)
Tensor step_times(const Tensor &like, int64_t steps, double offset,
                  double slope) {
  std::vector<float> times;
  for (int64_t k = 0; k < steps; ++k)
    times.push_back(static_cast<float>(
        offset + slope * static_cast<double>(k) / static_cast<double>(steps)));
  return constant(like.trace(), {steps, 1}, times);
}

Tensor trace_of(const Map &map, const Tensor &x, const std::string &kind,
                const Tensor &probe) {
  if (kind == "exact") {
    Tensor jacobian = jacobian_rows(map, x);
    return sum(jacobian * identity_rows(x, x.extent(0), x.extent(-1)),
               {-1, -2});
  }
  if (probe.rank() == 2)
    return sum(probe * jvp(map(x), {x}, {probe}), -1);
  // several probes per row: each on a copy of the row
  Tensor rows = repeat(x, probe.extent(1), 1);
  return mean(sum(probe * jvp(map(rows), {rows}, {probe}), -1), 1);
}

// ln of the change of volume over one step, by a settings' estimator
Tensor volume_change(const Flow &flow, const Tensor &x, const Tensor &t,
                     double h, const EntropySettings &s, const Tensor &probe) {
  auto displace = [&](const Tensor &y) { return flow.displace(y, t, h); };
  if (s.estimator == "logdet")
    return logdet(
        jacobian_rows([&](const Tensor &y) { return y + displace(y); }, x));
  auto bounded = [&](const Tensor &change) {
    return s.trace_clip ? clip(change, -*s.trace_clip, *s.trace_clip) : change;
  };
  if (s.estimator == "trace_disp")
    return bounded(trace_of(displace, x, s.trace, probe));
  // div: at the point that the solver's rule looks at
  Tensor point = x, time = t;
  if (flow.quadrature > 0) {
    point = x + flow.velocity(x, t) * (h * flow.quadrature);
    time = t + h * flow.quadrature;
  }
  auto velocity = [&](const Tensor &y) { return flow.velocity(y, time); };
  return bounded(trace_of(velocity, point, s.trace, probe) * h);
}

// one probe per step and row, or several; none for an exact trace
Tensor draw_probes(const EntropySettings &s, int64_t steps, const Tensor &x,
                   const Key &key, std::string_view stream) {
  if (s.trace == "exact")
    return {};
  Extents shape{steps, x.extent(0), x.extent(-1)};
  if (s.probes > 1)
    shape.insert(shape.begin() + 2, s.probes);
  if (s.one_probe)
    shape.erase(shape.begin());
  Tensor drawn =
      s.probe == "sign" ? key.sign(stream, shape) : key.normal(stream, shape);
  return s.one_probe ? repeat(drawn, steps, 0) : drawn;
}

// x and the sum of volume changes after all steps; one change per step
struct Path {
  Tensor end, change;
};
using Step =
    std::function<Path(const Tensor &x, const Tensor &t, const Tensor &probe)>;

Path run_steps(const Tensor &x, int64_t steps, const Tensor &times,
               const Tensor &probes, const Step &step) {
  Tensor zero = fill(x, {x.extent(0)}, 0);
  auto drop_axis = [](const Tensor &tensor) {
    Extents shape = tensor.shape();
    shape.erase(shape.begin());
    return reshape(tensor, shape);
  };
  if (steps == 1)
    return step(x, drop_axis(times),
                probes.empty() ? probes : drop_axis(probes));
  std::vector<Tensor> xs{times};
  if (!probes.empty())
    xs.push_back(probes);
  ScanStep result = scan(steps, {x, zero}, xs, [&](auto &carries, auto &rows) {
    Path path = step(carries[0], rows[0], rows.size() > 1 ? rows[1] : Tensor());
    return ScanStep{{path.end, carries[1] + path.change}, {}};
  });
  return {result.carries[0], result.carries[1]};
}

} // namespace

void EntropySettings::visit(Settings &s, Settings::Choices estimators) {
  s.choice("entropy.estimator", estimator, estimators,
           "how -log pi follows from the flow");
  s.choice("entropy.trace", trace, {"hutchinson", "exact"},
           "how a divergence is taken");
  s.choice("entropy.probe", probe, {"sign", "normal"},
           "what a divergence is probed with");
  s.integer("entropy.probes", probes, 1, 1024, "probes per divergence");
  s.integer("entropy.steps", steps, 0, 1024,
            "steps of the entropy's own path, 0: the sampler's");
  s.flag(
      "entropy.one_probe", one_probe,
      "one probe for all steps, as published code, which keeps its variance");
  s.optional_real("entropy.trace_clip", trace_clip, 1e-6, 1e6,
                  "largest change of log volume that counts per step, as "
                  "published code");
}

void SolverSettings::visit(Settings &s) {
  s.choice("solver", solver, {"euler", "midpoint"}, "steps of the sampler");
  s.integer("nfe", nfe, 1, 1024, "network evaluations per sampled action");
}

void SolverSettings::check() const {
  if (solver == "midpoint" && nfe % 2 != 0)
    throw SettingsError("key 'nfe' must be even for solver 'midpoint': got " +
                        std::to_string(nfe));
}

Flow velocity_flow(
    const std::function<Tensor(const Tensor &, const Tensor &)> &velocity,
    const std::string &solver) {
  if (solver == "euler")
    return {[velocity](const Tensor &x, const Tensor &t, double h) {
              return velocity(x, t) * h;
            },
            velocity, 0};
  return {[velocity](const Tensor &x, const Tensor &t, double h) {
            Tensor half = x + velocity(x, t) * (h / 2);
            return velocity(half, t + h / 2) * h;
          },
          velocity, 0.5};
}

Flow mean_velocity_flow(
    const std::function<Tensor(const Tensor &, const Tensor &, const Tensor &)>
        &mean_velocity) {
  return {[mean_velocity](const Tensor &x, const Tensor &t, double h) {
            return mean_velocity(x, t, t + h) * h;
          },
          [mean_velocity](const Tensor &x, const Tensor &t) {
            return mean_velocity(x, t, t);
          },
          0};
}

Tensor integrate(const Flow &flow, const Tensor &x, int64_t steps) {
  double h = 1. / static_cast<double>(steps);
  Tensor times = step_times(x, steps, 0, 1);
  if (steps == 1)
    return x + flow.displace(x, reshape(times, {1}), h);
  return scan(steps, {x}, {times},
              [&](auto &carries, auto &rows) {
                Tensor next =
                    carries[0] + flow.displace(carries[0], rows[0], h);
                return ScanStep{{next}, {}};
              })
      .carries[0];
}

Tensor jacobian_rows(const Map &map, const Tensor &x) {
  int64_t size = x.extent(-1);
  Tensor rows = repeat(x, size, 1);
  return jvp(map(rows), {rows}, {identity_rows(x, x.extent(0), size)});
}

Tensor gaussian_surprise(const Tensor &x, double std) {
  double variance = std * std;
  double constant = static_cast<double>(x.extent(-1)) / 2 *
                    std::log(2 * std::numbers::pi * variance);
  return sum(square(x), -1) * (0.5 / variance) + constant;
}

Tensor surprise_at(const Flow &flow, const Tensor &action, int64_t steps,
                   const EntropySettings &settings, double density_std,
                   const Key &key, std::string_view stream) {
  int64_t count = settings.steps != 0 ? settings.steps : steps;
  double h = 1. / static_cast<double>(count), ahead = h * flow.quadrature;
  auto step = [&](const Tensor &x, const Tensor &t, const Tensor &probe) {
    Tensor point = x, time = t;
    if (flow.quadrature > 0) {
      point = x - flow.velocity(x, t) * ahead;
      time = t - ahead;
    }
    auto velocity = [&](const Tensor &y) { return flow.velocity(y, time); };
    return Path{x - velocity(point) * h,
                trace_of(velocity, point, settings.trace, probe) * h};
  };
  Path path =
      run_steps(action, count, step_times(action, count, 1, -1),
                draw_probes(settings, count, action, key, stream), step);
  return stopgradient(gaussian_surprise(path.end, density_std) + path.change);
}

FlowSample sample_with_entropy(const Flow &flow, const Tensor &x0,
                               int64_t steps, const EntropySettings &settings,
                               double density_std, const Key &key,
                               std::string_view stream) {
  if (settings.estimator == "div_reverse") {
    Tensor end = integrate(flow, x0, steps);
    return {end, surprise_at(flow, clip(end, -1, 1), steps, settings,
                             density_std, key, stream)};
  }
  bool own_path = settings.steps != 0 && settings.steps != steps;
  int64_t count = settings.steps != 0 ? settings.steps : steps;
  double h = 1. / static_cast<double>(count);
  Path path =
      run_steps(x0, count, step_times(x0, count, 0, 1),
                settings.estimator == "logdet"
                    ? Tensor()
                    : draw_probes(settings, count, x0, key, stream),
                [&](const Tensor &x, const Tensor &t, const Tensor &probe) {
                  return Path{x + flow.displace(x, t, h),
                              volume_change(flow, x, t, h, settings, probe)};
                });
  return {own_path ? integrate(flow, x0, steps) : path.end,
          stopgradient(gaussian_surprise(x0, density_std) + path.change)};
}

} // namespace phlox::rl
