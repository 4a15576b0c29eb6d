#include "bench/isfm_lqr.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace phlox::bench {
namespace {

using test::LqrTask;

std::string percent(double share) {
  return fmt::format("{}{:.1f} %", share < 0 ? "−" : "", std::abs(100 * share));
}

std::string number(double value) {
  const std::string digits = fmt::format("{:.3f}", std::abs(value));
  return (value < 0 && digits != "0.000" ? "−" : "") + digits;
}

std::string errors(const test::LqrReport &report) {
  return fmt::format(" {:.4f} | {} | {} | {} | {} |", report.mean_error,
                     percent(report.covariance_error),
                     number(report.divergence), number(report.entropy_error),
                     number(report.value_gap));
}

constexpr const char *columns =
    " mean | covariance | KL | entropy | V* − V at 0 |";

std::string table_of_proposals(const Study &study) {
  std::string out = fmt::format("| proposal, weights |{} ESS | in theory |\n"
                                "|---|---|---|---|---|---|---|---|\n",
                                columns);
  for (const Trained &row : study.proposals)
    out +=
        fmt::format("| {}, {} |{} {} | {} |\n", row.proposal, row.weights,
                    errors(row.report), percent(row.ess), percent(row.theory));
  return out;
}

std::string table_of_narrow(const Study &study) {
  std::string out = "| proposal |", rule = "|---|";
  for (int updates : study.narrow.front().updates) {
    out += fmt::format(" + {} |", updates);
    rule += "---|";
  }
  out += "\n" + rule + "\n";
  for (const Widening &row : study.narrow) {
    out += fmt::format("| {} |", row.proposal);
    for (std::size_t k = 0; k < row.spread.size(); ++k)
      out +=
          fmt::format(" {:.2f}, {:.0f} % |", row.spread[k], 100 * row.ess[k]);
    out += "\n";
  }
  return out;
}

std::string table_of_longer(const Study &study) {
  std::string out = fmt::format(
      "| algorithm | updates | proposals, states |{} sampler alone |\n"
      "|---|---|---|---|---|---|---|---|---|\n",
      columns);
  for (const Trained &row : study.longer)
    out += fmt::format(
        "| {}{}{} | {} | {} |{} {} |\n", row.algorithm,
        row.proposal.empty() ? "" : ", ", row.proposal, row.updates,
        row.per_state ? fmt::format("{}, {}", row.per_state, row.batch)
                      : fmt::format("–, {}", row.batch),
        errors(row.report), percent(row.sampler_bias));
  return out;
}

// densities of one control at the task's first state, learned and optimal
std::string panel(const Trained &row, const LqrTask &task, int control,
                  double left, double top) {
  constexpr double width = 200, height = 90;
  constexpr int bins = 50;
  const int m = task.controls();
  double mean = 0;
  for (int i = 0; i < task.states_size(); ++i)
    mean -= task.solution.K(control, i) * task.states[0][i] / task.scale;
  const double std =
      std::sqrt(task.solution.covariance(control, control)) / task.scale;
  const double low = mean - 4 * std, cell = 8 * std / bins;
  std::vector<double> share(bins);
  const double total = static_cast<double>(row.actions.size()) / m;
  for (std::size_t k = control; k < row.actions.size(); k += m) {
    const double bin = std::floor((row.actions[k] - low) / cell);
    if (bin >= 0 && bin < bins)
      share[static_cast<std::size_t>(bin)] += 1 / total;
  }
  // the tallest is 1.4 times the optimum's
  const double tallest = 1.4 * cell / (std * std::sqrt(2 * std::numbers::pi));
  auto x = [&](double k) { return left + width * k / bins; };
  auto y = [&](double part) {
    return top + height * (1 - std::min(part / tallest, 1.));
  };
  std::string filled = fmt::format("M{:.1f} {:.1f}", x(0), top + height), line;
  for (int k = 0; k < bins; ++k) {
    filled += fmt::format("L{0:.1f} {2:.1f}L{1:.1f} {2:.1f}", x(k), x(k + 1),
                          y(share[k]));
    const double z = (low + (k + .5) * cell - mean) / std;
    line += fmt::format("{}{:.1f} {:.1f}", k ? "L" : "M", x(k + .5),
                        y(cell * std::exp(-z * z / 2) /
                          (std * std::sqrt(2 * std::numbers::pi))));
  }
  return fmt::format(
      "<path d=\"{}L{:.1f} {:.1f}Z\" fill=\"#9cc3ea\"/><path d=\"{}\" "
      "fill=\"none\" stroke=\"#c4501b\" stroke-width=\"1.5\"/>\n",
      filled, x(bins), top + height, line);
}

} // namespace

std::string page(const std::vector<Study> &studies, int updates, int proposals,
                 int batch) {
  std::string out = fmt::format(
      R"(# Importance-sampling flow matching on linear-quadratic tasks

The soft-optimal policy of a linear task with quadratic cost is a Gaussian that
is known: N(−Kx, S). Here `isfm` learns it from each of its proposals, with
weights that sum to one per state (normalised) or over the batch (plain).

Made by `ninja -C build/release isfm_lqr && build/release/bin/isfm_lqr FOLDER
--updates {0}`. `--problem FILE` takes a task of any size, as JSON: `A`, `B`, `Q`,
`R`, `W` by rows, `discount`, `alpha`, `action_scale`, `x0_range`.

Each row is one run, seed 1, of {0} updates: {1} proposals for each of {2} states,
a network of 3 × 64 and critics of 2 × 64, rates falling from 1e-3 to 2e-5 over the
second half. The critics regress on the optimal Q itself, so that nothing but the
policy's own update is in question. Columns: the largest error of a mean action
(half-widths of the box) and of the covariance (Frobenius norm over that of S) over
the states compared, from 32,768 actions each; the mean KL divergence from the optimum and
the error of the entropy, nats; what the policy's value lacks; the effective sample
size as a share of the proposals, averaged over the last tenth, and what theory says
of many proposals by exact critics (for the policy's and the mixture's, given the
learned covariance).

![learned and optimal densities of each control](isfm-lqr.svg)

In theory the share is 1 / E_p (p / q) for a target p and a proposal q: for a box
of side 2, (4π)^(m/2) √det S / 2^m; for a Gaussian of covariance C whose mean is d
off, √(det S det D) / det C · exp(−d′D⁻¹d) with D = 2C − S. Where D is not positive
definite, which is where a policy is narrower than √½ of its target in any
direction, it is 0, and what is measured says nothing of it: what carries the
weight is never drawn.

The picture: in blue the learned actions at the first state, as a histogram; the
line is the optimal density. Weights are normalised.
)",
      updates, proposals, batch);
  for (const Study &study : studies) {
    out += fmt::format("\n## {}\n\n{}", study.title, table_of_proposals(study));
    out += fmt::format(
        "\nA policy that begins too narrow: {} updates at a sixteenth of the "
        "temperature, then more\nof them at the task's own. Variance of the "
        "first control over the optimal one, and the\nshare of proposals that "
        "the weights claim to use:\n\n{}",
        updates, table_of_narrow(study));
    if (!study.longer.empty())
      out += fmt::format(
          "\nWith longer budgets, proposals and batches that suit each "
          "algorithm, and critics of three\nlayers for the two of FLAME; "
          "beside it what the solver does to the covariance with the\nexact "
          "velocity. `lqr_agents_test` holds all of them to 8 %:\n\n{}",
          table_of_longer(study));
  }
  return out;
}

std::string drawing(const std::vector<Study> &studies) {
  double top = 24, right = 0;
  std::string out;
  for (const Study &study : studies)
    for (const Trained &row : study.proposals) {
      if (row.weights != "normalised")
        continue;
      const int controls = std::min(study.task.controls(), 3);
      out += fmt::format("<text x=\"10\" y=\"{}\">{}: {}</text>\n", top - 8,
                         study.title, row.proposal);
      for (int control = 0; control < controls; ++control)
        out += panel(row, study.task, control, 10 + 220 * control, top);
      right = std::max(right, 220. * controls);
      top += 124;
    }
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} "
             "{1}\" "
             "font-family=\"sans-serif\" font-size=\"12\"><rect width=\"{0}\" "
             "height=\"{1}\" fill=\"#fff\"/>\n",
             std::max(right, 320.), top - 20) +
         out + "</svg>\n";
}

} // namespace phlox::bench
