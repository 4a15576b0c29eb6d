// Flows from noise (t = 0) to actions (t = 1): solvers, divergence, entropy.
#pragma once
#include "rl/algorithms/networks.h"
#include "rl/algorithms/settings.h"

namespace phlox::rl {

/// A flow as a solver sees it. x is (B, ..., A), t (1), h the step's length.
struct Flow {
  /// How far one step moves x; added to it.
  std::function<Tensor(const Tensor &x, const Tensor &t, double h)> displace;
  /// dx/dt at (x, t).
  std::function<Tensor(const Tensor &x, const Tensor &t)> velocity;
  /// Where in a step the divergence is taken: 0 at its start, 0.5 halfway.
  double quadrature = 0;
};

/// How a velocity is followed from noise to action.
struct SolverSettings {
  std::string solver = "midpoint"; // or euler, which loses spread
  int64_t nfe = 20;                // evaluations per sample
  void visit(Settings &settings);
  /// Throws SettingsError if midpoint steps do not use up the evaluations.
  void check() const;
  int64_t steps() const { return solver == "midpoint" ? nfe / 2 : nfe; }
};

/// Steps along a velocity: "euler" (1 evaluation) or "midpoint" (2).
Flow velocity_flow(
    const std::function<Tensor(const Tensor &x, const Tensor &t)> &velocity,
    const std::string &solver);
/// Steps by (r - t) U(x, t, r), U being the average velocity from t to r.
Flow mean_velocity_flow(
    const std::function<Tensor(const Tensor &x, const Tensor &t,
                               const Tensor &r)> &mean_velocity);

/// Moves x from t = 0 to t = 1 in equal steps.
Tensor integrate(const Flow &flow, const Tensor &x, int64_t steps);

/// How -log pi is estimated along a flow.
struct EntropySettings {
  std::string estimator = "div";    // div, logdet, trace_disp, div_reverse
  std::string trace = "hutchinson"; // or exact
  std::string probe = "sign";       // or normal
  int64_t probes = 1;
  int64_t steps = 0;      // 0: on the sampler's own path
  bool one_probe = false; // for all steps, instead of one for each
  std::optional<double> trace_clip = {}; // largest trace of a step
  void visit(Settings &settings, Settings::Choices estimators);
};

/// The end of a path and -log of its density there.
struct FlowSample {
  Tensor action;  ///< (B, A), not clipped
  Tensor entropy; ///< (B), nats per action vector
};

/// Integrates from x0 ~ N(0, base_std^2) and estimates -log pi(x1).
///
///     logdet       sum_k ln |det d x_{k+1} / d x_k|, exact for the sampler
///     div          sum_k h tr dv/dx at the solver's quadrature point
///     trace_disp   sum_k tr d(x_{k+1} - x_k) / d x_k
///     div_reverse  surprise_at the clipped end
/// Traces are exact, or means of z'(J z) over vectors z of signs or normal
/// numbers, drawn per step and row as `stream`; a step's part counts up to
/// trace_clip either way. density_std stands for base_std
/// inside the density. Shapes:  x0 (B, A). Source:  Chen et al. 2018 (change of
/// variables), Hutchinson 1989.
FlowSample sample_with_entropy(const Flow &flow, const Tensor &x0,
                               int64_t steps, const EntropySettings &settings,
                               double density_std, const Key &key,
                               std::string_view stream = "probe");

/// Estimates -log pi at given actions: back from t = 1 to t = 0 by the solver's
/// rule, with sum_k h tr dv/dx at the point that each step looks at.
///
/// Shapes:  action (B, A) -> (B), without gradient.
Tensor surprise_at(const Flow &flow, const Tensor &action, int64_t steps,
                   const EntropySettings &settings, double density_std,
                   const Key &key, std::string_view stream = "probe");

/// Returns J transposed of a row-wise map: result[b, j, i] = d f_i / d x_j.
///
/// Shapes:  x (B, A) -> (B, A, A).
Tensor jacobian_rows(const std::function<Tensor(const Tensor &)> &map,
                     const Tensor &x);

/// Returns -log of the density of N(0, std^2) per row.
///
/// Shapes:  x (B, A) -> (B).
Tensor gaussian_surprise(const Tensor &x, double std);

} // namespace phlox::rl
