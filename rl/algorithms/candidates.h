// Clean actions drawn per state from a distribution of known density, their
// importance weights, and flow matching on the ones that weights choose.
#pragma once
#include "rl/algorithms/flow.h"

namespace phlox::rl {

/// Actions and the log-density that they were drawn with, without gradient.
struct Candidates {
  Tensor actions;     ///< (B, K, A), in the box
  Tensor log_density; ///< (B, K), nats
};

/// Draws uniformly from the box: log-density -A ln 2.
Candidates box_candidates(const Extents &shape, const Key &key);

/// Draws from N(0, std^2) truncated to the box.
Candidates gaussian_candidates(const Extents &shape, double std,
                               const Key &key);

/// A flow policy as a proposal: its flow at some states, and how it is
/// followed.
struct FlowProposal {
  std::function<Flow(const Tensor &obs)> policy;
  int64_t action_size = 1, steps = 1;
  double base_std = 0.5, density_std = 0.5;
  EntropySettings entropy;
};

/// Draws from a policy, with the density that the change of variables gives for
/// each draw; what leaves the box gets no weight, since exp(Q / alpha) is a
/// distribution on the box. Where all draws of a state leave it, all weigh the
/// same.
///
/// Shapes:  obs (B, O) -> K = count.
Candidates policy_candidates(const FlowProposal &proposal, const Tensor &obs,
                             int64_t count, const Key &key);

/// Draws box_count(K, share) of K from the box and the others from a policy,
/// all with the density of the mixture, so that a policy that misses part of
/// the target costs at most the inverse share of the box.
///
/// Shapes:  obs (B, O) -> K = count, the policy's draws first.
/// Source:  balance heuristic, Veach and Guibas 1995; defensive mixtures,
///          Hesterberg 1995.
Candidates mixture_candidates(const FlowProposal &proposal, const Tensor &obs,
                              int64_t count, double share, const Key &key);

/// Returns how many of K candidates a mixture takes from the box: at least one
/// of each kind.
int64_t box_count(int64_t count, double share);

/// Importance weights of candidates towards exp(score / alpha), no gradient.
struct Importance {
  Tensor weights;  ///< (B, K), sum 1 over K
  Tensor evidence; ///< ln sum_k exp(score / alpha) / density, (B)
};
Importance importance(const Tensor &scores, const Candidates &candidates,
                      const Tensor &alpha);

/// Draws `count` of each row's K entries with replacement, as the weights say.
///
/// Shapes:  values (B, K, A), weights (B, K) -> (B, count, A).
Tensor resample(const Tensor &values, const Tensor &weights, int64_t count,
                const Key &key);

/// Finds the temperature at which the mean effective sample size of
/// softmax(advantages / tau) is `share` of K, by 24 halvings of [1e-4, 1e3] on
/// a log scale, which resolve it to 1e-6; the nearest end if there is none.
///
/// Shapes:  advantages (B, K) -> (), without gradient.
Tensor temperature_of_ess(const Tensor &advantages, double share);

/// Points between noise and given ends, each with a time and noise of its own,
/// and the velocity of the straight line through it.
struct LinePoint {
  Tensor x;        ///< t end + (1 - t) std e (B, J, A)
  Tensor t;        ///< uniform on (0, 1) (B, J, 1)
  Tensor velocity; ///< end - std e (B, J, A)
};
LinePoint line_point(const Tensor &ends, double std, const Key &key);

} // namespace phlox::rl
