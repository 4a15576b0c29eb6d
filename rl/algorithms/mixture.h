// Gaussian mixtures fitted to samples inside the graph.
#pragma once
#include "dsl/program.h"

namespace phlox::rl {

/// A mixture per row, with full covariances.
struct Mixture {
  Tensor weights;     ///< (B, C), sum 1 over C
  Tensor means;       ///< (B, C, A)
  Tensor covariances; ///< (B, C, A, A), with 1e-6 added to the diagonal
};

/// Fits mixtures by a fixed number of expectation-maximisation steps, which
/// start from evenly chosen samples as means, the covariance of all samples and
/// equal weights.
///
/// Shapes:  samples (B, S, A), without gradient; S at least `components`.
/// Source:  Dempster, Laird and Rubin 1977.
Mixture fit_mixture(const Tensor &samples, int64_t components, int64_t steps);

/// Returns sum_c w_c (H(N_c) - ln w_c): the entropy of mixture and component
/// together, above that of the mixture by what a sample leaves open about its
/// component; the same for components that do not overlap.
///
/// Shapes:  -> (B).
/// Units:   nats.
Tensor entropy_bound(const Mixture &mixture);

} // namespace phlox::rl
