#include "rl/algorithms/categorical.h"
#include <fmt/format.h>

namespace phlox::rl {

void Atoms::visit(Settings &s) {
  s.integer("atoms", count, 2, 1 << 16,
            "values that categorical critics tell apart");
  s.real("value_least", least, -1e9, 1e9, "least of these values");
  s.real("value_most", most, -1e9, 1e9, "largest of these values");
}

void Atoms::check() const {
  if (least >= most)
    throw SettingsError(fmt::format(
        "key 'value_least' must be below 'value_most': got {} and {}", least,
        most));
}

double Atoms::spacing() const {
  return (most - least) / static_cast<double>(count - 1);
}

Tensor Atoms::values(Trace &trace) const {
  return iota(trace, {count}, 0, Element::real) * spacing() + least;
}

CriticHead Atoms::head() const {
  return {count, [atoms = *this](const Tensor &logits) {
            return atoms.mean_of(softmax(logits, logits.rank() - 1));
          }};
}

Tensor Atoms::mean_of(const Tensor &probabilities) const {
  return sum(probabilities * values(probabilities.trace()), -1);
}

Tensor Atoms::project(const Tensor &probabilities, const Tensor &places) const {
  // in units of the spacing, from the first atom
  Tensor at = (clip(places, least, most) - least) / spacing(); // (B, N)
  Tensor atom = iota(at.trace(), {count, 1}, 0, Element::real);
  Tensor share = relu(1 - abs(expand(at, 1) - atom)); // (B, N, N)
  return sum(share * expand(probabilities, 1), -1);
}

Tensor categorical_target(const Atoms &atoms, const TwinCritic &target,
                          const std::vector<Tensor> &parameters,
                          const Transitions &batch, const Tensor &next_action,
                          const Tensor &going, const Tensor &bonus,
                          bool mean_of_both) {
  Tensor after = expand(bonus, 1) + atoms.values(bonus.trace());
  Tensor places = expand(batch.reward, 1) + expand(going, 1) * after;
  Tensor moved[2];
  for (int i = 0; i < 2; ++i)
    moved[i] = atoms.project(
        softmax(target.outputs(i, parameters, batch.next_obs, next_action), 1),
        places);
  if (mean_of_both)
    return stopgradient((moved[0] + moved[1]) / 2);
  Tensor less = atoms.mean_of(moved[0]) < atoms.mean_of(moved[1]); // (B)
  Tensor first = expand(convert(less, Element::real), 1);
  return stopgradient(first * moved[0] + (1 - first) * moved[1]);
}

CriticLoss categorical_loss(const Atoms &atoms, const TwinCritic &critic,
                            const std::vector<Tensor> &parameters,
                            const Tensor &obs, const Tensor &action,
                            const Tensor &target) {
  CriticLoss result;
  Tensor wanted = stopgradient(target);
  for (int i = 0; i < 2; ++i) {
    Tensor logits = critic.outputs(i, parameters, obs, action); // (B, N)
    result.values[i] = atoms.mean_of(softmax(logits, 1));
    result.losses[i] = mean(logsumexp(logits, 1) - sum(wanted * logits, 1));
  }
  result.grads = grad(result.losses[0] + result.losses[1], parameters);
  return result;
}

} // namespace phlox::rl
