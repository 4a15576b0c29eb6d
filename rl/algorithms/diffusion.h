// Diffusion between noise (t = 0) and actions (t = 1) on a path that keeps unit
// variance: noisy actions, and the sampler that removes noise in fixed steps.
#pragma once
#include "rl/algorithms/networks.h"
#include "rl/algorithms/posterior.h"
#include "rl/algorithms/settings.h"

namespace phlox::rl {

/// Returns what a noisy action is made of at time t: signal^2 + noise^2 = 1.
///
///     signal = cos(s') / cos(s0), s' = pi / 2 (1 - t + c) / (1 + c),
///     s0 = s' at t = 1, c = 0.008; noise^2 = sin(s' - s0) sin(s' + s0) /
///     cos(s0)^2
/// written with sines of t and 1 - t, which keep their digits at both ends.
/// Shapes:  t (..., 1). Source:  Nichol and Dhariwal 2021, with t turned round.
Levels cosine_levels(const Tensor &t);

struct DenoiserSettings {
  int64_t nfe = 20;
  double time_min = 0.0054, time_max = 0.999;
  std::string step_variance = "forward"; // or posterior
  void visit(Settings &settings);
  /// Throws SettingsError if its times are not in order.
  void check() const;
};

/// A noisy action, its time, and the noise in it.
struct NoisyPoint {
  Tensor x;     ///< signal action + noise e (B, A) or (B, J, A)
  Tensor t;     ///< (B, 1) or (B, J, 1)
  Tensor noise; ///< e, as x
  Levels levels;
};

/// Draws times between the settings' ends and noise, each action its own.
///
/// Shapes:  action (B, A) or (B, J, A), without gradient.
NoisyPoint noisy_point(const DenoiserSettings &settings, const Tensor &action,
                       const Key &key);

/// Predicts the noise in x at time t, t (1).
using Denoiser = std::function<Tensor(const Tensor &x, const Tensor &t)>;

/// Goes from noise to actions in equal steps of time: at each, the predicted
/// clean action is clipped to the box, where the mean of clean actions lies,
/// and the next x drawn around the mean of what is between both.
///
/// `forward` noise has the variance of the forward step, exact for actions that
/// are N(0, 1); `posterior` has what is left when the clean action is known,
/// exact for a single action, and loses spread. The last step adds none.
/// Shapes:  (B, A) or (B, P, A), in the box. Source:  Ho et al. 2020.
Tensor denoise(const DenoiserSettings &settings, const Denoiser &denoiser,
               const Tensor &like, const Extents &shape, const Key &key,
               const std::string &stream);

/// How -log of a denoiser's density is found.
struct SurpriseSettings {
  std::string rule = "log_snr"; // or noisier_end
  int64_t levels = 20, draws = 1;
  void visit(Settings &settings);
};

/// Estimates -log of the density of actions from how well a denoiser does:
///
///     A / 2 ln (2 pi e) - 1/2 integral over l of (A signal^2 - E |eps - e|^2),
///     l = ln (signal^2 / noise^2), x = signal action + noise e
/// by `levels` levels between the ends of the settings' times with `draws` of e
/// each; predicted clean actions are clipped to the box. `log_snr`: middles of
/// equal steps of l. `noisier_end`: of equal steps of time, with d signal^2 in
/// place of dl, as public code.
/// Shapes:  action (B, A) -> (B), nats, without gradient. Source:  Kong,
///          Brekelmans and Ver Steeg 2023.
Tensor surprise_of(const Denoiser &denoiser, const DenoiserSettings &denoising,
                   const SurpriseSettings &settings, const Tensor &action,
                   const Key &key, const std::string &stream);

} // namespace phlox::rl
