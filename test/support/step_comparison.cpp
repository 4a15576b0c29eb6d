#include "test/support/step_comparison.h"
#include <cmath>
#include <fmt/core.h>

namespace phlox::test {
namespace {

constexpr double kRelative = 1e-5; // of a tensor's norm, for outputs, moments
constexpr double kLeastMetric = 0.1;
constexpr double kEpsilon = 1e-8, kBeta1 = 0.9, kBeta2 = 0.999; // Adam's
constexpr double kUlp = 1.2e-7;                                 // 2^-23

double norm(const HostTensor &x) {
  double sum = 0;
  for (double value : x.reals)
    sum += value * value;
  return std::sqrt(sum);
}

const HostTensor *find(const Tensors &tensors, const std::string &name) {
  auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second;
}

bool isMoment(const std::string &name) {
  return name.ends_with("/adam_m") || name.ends_with("/adam_v");
}

// the count of own updates of the optimiser that a leaf belongs to
std::string countOf(const std::string &leaf) {
  return leaf.substr(0, leaf.find('/')) + "/adam_count";
}

} // namespace

double relativeError(const HostTensor &x, const HostTensor &y, double least) {
  if (!y.isReal())
    return x.counts == y.counts ? 0 : INFINITY;
  double sum = 0;
  for (int64_t i = 0; i < y.size(); i++) {
    if (std::isnan(x.reals[i]) != std::isnan(y.reals[i]))
      return INFINITY;
    if (!std::isnan(x.reals[i]))
      sum += (x.reals[i] - y.reals[i]) * (x.reals[i] - y.reals[i]);
  }
  return sum == 0 ? 0 : std::sqrt(sum) / std::max(norm(y), least);
}

std::vector<std::string>
StepComparison::compare(const Tensors &actual, const Tensors &expected) const {
  std::vector<std::string> problems;
  for (auto &[name, tensor] : expected) {
    bool isParameter =
        name.starts_with("leaf:") && tensor.isReal() && !isMoment(name);
    bool isMetric = !name.starts_with("leaf:") && tensor.size() == 1;
    const HostTensor *other = find(actual, name);
    if (!other)
      problems.push_back(name + ": missing");
    else if (double error =
                 relativeError(*other, tensor, isMetric ? kLeastMetric : 0);
             !isParameter && !(error <= kRelative))
      problems.push_back(fmt::format("{}: {:.2e} of its norm {:.3e}", name,
                                     error, norm(tensor)));
  }
  return problems;
}

std::vector<std::string>
StepComparison::compareFirst(const Tensors &actual,
                             const Tensors &expected) const {
  std::vector<std::string> problems;
  for (auto &[name, tensor] : expected) {
    if (!name.starts_with("leaf:") || !tensor.isReal() || isMoment(name))
      continue;
    const HostTensor *moment = find(expected, name + "/adam_m");
    const HostTensor &other = actual.at(name);
    double gradients = moment ? norm(*moment) / (1 - kBeta1) : 0;
    for (int64_t i = 0; i < tensor.size(); i++) {
      double bound = 2 * lr * (moment ? 1 : ema);
      if (moment) {
        double g = std::abs(moment->reals[i]) / (1 - kBeta1);
        if (g > 100 * kRelative * gradients)
          bound = std::min(bound, lr * 0.01 * kEpsilon / g);
      }
      bound += 2 * kUlp * std::abs(tensor.reals[i]) + 64 * kUlp * lr;
      double error = std::abs(other.reals[i] - tensor.reals[i]);
      if (!(error <= bound))
        problems.push_back(fmt::format("{}[{}]: off by {:.2e}, allowed {:.2e}",
                                       name, i, error, bound));
    }
  }
  return problems;
}

std::vector<std::string> StepComparison::checkAdam(const Tensors &before,
                                                   const Tensors &after) const {
  std::vector<std::string> problems;
  int checked = 0;
  for (auto &[name, tensor] : after) {
    const HostTensor *m = find(after, name + "/adam_m"),
                     *v = find(after, name + "/adam_v");
    if (!m || !v)
      continue;
    checked++;
    const std::string count = countOf(name);
    auto k = double(after.at(count).counts[0]);
    bool isActive = after.at(count).counts != before.at(count).counts;
    double step = lr / (1 - std::pow(kBeta1, k)),
           scale = 1 / std::sqrt(1 - std::pow(kBeta2, k));
    for (int64_t i = 0; i < tensor.size(); i++) {
      double old = before.at(name).reals[i], update = 0;
      if (isActive)
        update =
            step * m->reals[i] / (std::sqrt(v->reals[i]) * scale + kEpsilon);
      double error = std::abs(tensor.reals[i] - (old - update));
      // the corrections are off by a few ulp, the sum by half a one
      double bound =
          isActive ? 2 * kUlp * std::abs(old) + 64 * kUlp * std::abs(update)
                   : 0;
      if (!(error <= bound))
        problems.push_back(fmt::format(
            "{}[{}]: {:.2e} from what Adam makes of its moments, allowed "
            "{:.2e}",
            name, i, error, bound));
    }
  }
  if (!checked)
    problems.push_back("no parameter with moments");
  return problems;
}

} // namespace phlox::test
