// Batch renormalisation: features are shifted and scaled by what the batch has,
// corrected towards running statistics, which acting uses alone.
#pragma once
#include "rl/algorithms/networks.h"

namespace phlox::rl {

/// How far training may differ from plain batch normalisation, which is
/// r_max = 1, d_max = 0; a tensor () for a schedule.
struct RenormLimits {
  Operand r_max = 3; ///< of the ratio of deviations, and of its reciprocal
  Operand d_max = 5; ///< of the means' distance, in running deviations
};

/// A normalisation of features with statistics of its own.
///
/// Leaves NAME/scale and NAME/shift, which are trained, NAME/mean and
/// NAME/variance, which follow the batches; each of `features`.
/// Source: Ioffe 2017, arXiv 1702.03275, algorithm 1; but the variance follows
/// the batches, not its root, as in the public libraries.
class BatchRenorm {
public:
  BatchRenorm() = default;
  /// `rate` is the statistics' step per batch; `epsilon` joins each variance.
  BatchRenorm(Program &program, const std::string &name, int64_t features,
              double rate = 0.01, double epsilon = 1e-3);

  const Parameters &parameters() const { return parameters_; }
  const Parameters &statistics() const { return statistics_; }
  /// Writes first values: scale and variance 1, shift and mean 0.
  void init(Entry &entry) const;
  /// Normalises by the batch, with the correction as a constant to gradients;
  /// then moves the statistics.
  ///
  /// Shapes:  x (..., features), parameters as `parameters` -> as x; all axes
  ///          but the last are the batch.
  Tensor train(Entry &entry, const std::vector<Tensor> &parameters,
               const Tensor &x, const RenormLimits &limits = {}) const;
  /// Normalises by the statistics as they are now.
  Tensor infer(Entry &entry, const std::vector<Tensor> &parameters,
               const Tensor &x) const;

private:
  Parameters parameters_, statistics_;
  double rate_ = 0, epsilon_ = 0;
};

} // namespace phlox::rl
