#include "rl/algorithms/candidates.h"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace phlox::rl {
namespace {

// a log-density that leaves no weight, whatever f32 scores over alpha are; a
// row of candidates that all have it weighs them alike
constexpr double no_weight = 1e30;

double box_log_density(int64_t size) {
  return -static_cast<double>(size) * std::numbers::ln2;
}

Extents without_last(Extents shape) {
  shape.pop_back();
  return shape;
}

// (B, K, ...) as (B K, ...), so that each candidate is a row of its own
Tensor rows_of(const Tensor &x) {
  return reshape(x, {x.extent(0) * x.extent(1), x.extent(2)});
}

} // namespace

Candidates box_candidates(const Extents &shape, const Key &key) {
  Tensor actions = key.uniform("proposal", shape) * 2 - 1;
  return {actions,
          fill(actions, without_last(shape), box_log_density(shape.back()))};
}

Candidates gaussian_candidates(const Extents &shape, double std,
                               const Key &key) {
  Tensor like = key.uniform("proposal", shape);
  Tensor bound = fill(like, shape, 1 / std);
  Tensor z = truncquantile(like, -bound, bound);
  double inside = std::erf(1 / (std * std::numbers::sqrt2));
  double constant = std::log(std * inside) + std::log(2 * std::numbers::pi) / 2;
  return {clip(z * std, -1, 1), sum(-0.5 * square(z) - constant, -1)};
}

Candidates policy_candidates(const FlowProposal &proposal, const Tensor &obs,
                             int64_t count, const Key &key) {
  Tensor rows = rows_of(repeat(obs, count, 1));
  Flow flow = proposal.policy(rows);
  int64_t size = proposal.action_size;
  Tensor x0 =
      key.normal("proposal_base", {rows.extent(0), size}) * proposal.base_std;
  FlowSample sample =
      sample_with_entropy(flow, x0, proposal.steps, proposal.entropy,
                          proposal.density_std, key, "proposal_probe");
  Tensor end = stopgradient(sample.action);
  Tensor outside = convert(amax(abs(end), -1) > 1, Element::real);
  Tensor log_density = outside * no_weight - sample.entropy;
  int64_t batch = obs.extent(0);
  return {reshape(clip(end, -1, 1), {batch, count, size}),
          reshape(log_density, {batch, count})};
}

int64_t box_count(int64_t count, double share) {
  return std::clamp<int64_t>(std::llround(share * static_cast<double>(count)),
                             1, count - 1);
}

Candidates mixture_candidates(const FlowProposal &proposal, const Tensor &obs,
                              int64_t count, double share, const Key &key) {
  int64_t batch = obs.extent(0), size = proposal.action_size;
  int64_t from_box = box_count(count, share);
  Candidates own = policy_candidates(proposal, obs, count - from_box, key);
  Candidates box = box_candidates({batch, from_box, size}, key);
  // what the policy would have given the box's draws
  Tensor surprise =
      surprise_at(proposal.policy(rows_of(repeat(obs, from_box, 1))),
                  rows_of(box.actions), proposal.steps, proposal.entropy,
                  proposal.density_std, key, "proposal_back");
  Tensor by_policy =
      concat({own.log_density, -reshape(surprise, {batch, from_box})}, 1);
  double part = static_cast<double>(from_box) / static_cast<double>(count);
  return {concat({own.actions, box.actions}, 1),
          logaddexp(by_policy + std::log1p(-part),
                    fill(by_policy, {batch, count},
                         std::log(part) + box_log_density(size)))};
}

Importance importance(const Tensor &scores, const Candidates &candidates,
                      const Tensor &alpha) {
  Tensor log_weights = scores / alpha - candidates.log_density;
  return {stopgradient(softmax(log_weights, 1)),
          stopgradient(logsumexp(log_weights, 1))};
}

Tensor resample(const Tensor &values, const Tensor &weights, int64_t count,
                const Key &key) {
  int64_t batch = weights.extent(0), choices = weights.extent(1);
  Tensor below = cumsum(weights, 1); // (B, K)
  Tensor all = slice(below, {0, choices - 1}, {batch, 1});
  Tensor u = key.uniform("resample", {batch, count}) * all; // (B, J)
  Tensor passed = convert(expand(below, 1) <= expand(u, 2), Element::real);
  Tensor index = convert(sum(passed, 2), Element::index); // (B, J)
  Operands drawn;
  for (int64_t j = 0; j < count; ++j)
    drawn.push_back(expand(
        gather(values, reshape(slice(index, {0, j}, {batch, 1}), {batch})), 1));
  return stopgradient(concat(drawn, 1));
}

Tensor temperature_of_ess(const Tensor &advantages, double share) {
  double wanted = share * static_cast<double>(advantages.extent(1));
  Tensor a = stopgradient(advantages);
  constexpr int64_t halvings = 24;
  double low = std::log(1e-4), high = std::log(1e3);
  Tensor start = fill(a, {}, (low + high) / 2);
  std::vector<float> sizes;
  for (int64_t k = 0; k < halvings; ++k)
    sizes.push_back(static_cast<float>((high - low) / std::exp2(k + 2)));
  // the middle of what is left; more samples want a lower temperature
  return exp(scan(halvings, {start}, {constant(a.trace(), {halvings}, sizes)},
                  [&](auto &carries, auto &rows) {
                    Tensor middle = carries[0];
                    Tensor samples = mean(ess(softmax(a / exp(middle), 1)));
                    Tensor next = select(samples < wanted, middle + rows[0],
                                         middle - rows[0]);
                    return ScanStep{{next}, {}};
                  })
                 .carries[0]);
}

LinePoint line_point(const Tensor &ends, double std, const Key &key) {
  Tensor noise = key.normal("path", ends.shape()) * std;
  Tensor t = key.uniform("time", {ends.extent(0), ends.extent(1), 1});
  return {t * ends + (1 - t) * noise, t, ends - noise};
}

} // namespace phlox::rl
