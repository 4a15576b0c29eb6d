// How far two runs of the same train step may be apart.
#pragma once
#include "test/support/program_runner.h"
#include <string>
#include <vector>

namespace phlox::test {

/// Results of the same entry point in two modes: names that are too far apart,
/// each with a line of numbers; empty is good.
///
/// f32 rounding reaches gradients as noise relative to the whole tensor, so
/// outputs and Adam's moments must agree to 1e-5 of the tensor's norm; a
/// metric, which is a mean of terms near 1 that may cancel, to 1e-6 at least.
/// For parameters that says little: Adam's step is lr m / (sqrt(v) + eps),
/// which at the first step is lr sign(g) however small g is. Hence two checks:
///  - every parameter is what Adam makes of the old one and of the moments of
///    the same run, to f32 rounding (`checkAdam`): no sign can matter there;
///  - across modes, after the first step: where |g| exceeds 100 times what the
///    gradients may be apart, so that its sign is certain and g / (|g| + eps)
///    is off by at most 0.01 eps / |g|, parameters agree to
///    lr 0.01 eps / |g| plus rounding; elsewhere to 2 lr.
/// A moving average moves by `ema_rate` of that.
class StepComparison {
public:
  StepComparison(double learningRate, double emaRate)
      : lr(learningRate), ema(emaRate) {}

  /// Outputs and moments.
  std::vector<std::string> compare(const Tensors &actual,
                                   const Tensors &expected) const;
  /// Parameters after the first step.
  std::vector<std::string> compareFirst(const Tensors &actual,
                                        const Tensors &expected) const;
  /// Parameters against the moments of their own run; `before` holds the leaves
  /// that the step started from.
  std::vector<std::string> checkAdam(const Tensors &before,
                                     const Tensors &after) const;

private:
  double lr, ema;
};

/// |x - y| / max(|y|, least), 2-norms; infinite if integers differ or a NaN has
/// no partner.
double relativeError(const HostTensor &x, const HostTensor &y,
                     double least = 0);

} // namespace phlox::test
