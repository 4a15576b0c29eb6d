// Tasks of one step, whose soft-optimal policy is exp(r(a) / alpha) over its
// integral: the first place to look at what a policy has learned.
//   bandit-1d         r(a) = 2 a - 3 a^2
//   multigoal-bandit  r(a) = ln sum_k exp(-|a - g_k|^2 / (2 0.1^2)),
//                     g_k = (+-.6, 0), (0, +-.6): four equal modes
// a in [-1, 1]; obs is one 0; every step terminates. There is no state.
#include "envs/tasks.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace phlox::envs {
namespace {

double parabola(const Action &a) { return 2 * a[0] - 3 * (a[0] * a[0]); }

double four_modes(const Action &a) {
  constexpr double modes[4][2] = {{.6, 0}, {-.6, 0}, {0, .6}, {0, -.6}};
  double exponents[4], largest = -HUGE_VAL, sum = 0;
  for (int k = 0; k < 4; ++k) {
    const double x = a[0] - modes[k][0], y = a[1] - modes[k][1];
    exponents[k] = -(x * x + y * y) / (2 * .1 * .1);
    largest = std::max(largest, exponents[k]);
  }
  for (const double exponent : exponents)
    sum += std::exp(exponent - largest);
  return largest + std::log(sum);
}

class Bandit final : public Environment {
public:
  Bandit(const char *id, int action_size, double (*reward)(const Action &))
      : reward_(reward) {
    spec_.id = id;
    spec_.obs_size = spec_.max_episode_steps = 1;
    spec_.action_size = action_size;
    spec_.action_low.assign(static_cast<std::size_t>(action_size), -1);
    spec_.action_high.assign(static_cast<std::size_t>(action_size), 1);
  }

  const Spec &spec() const override { return spec_; }

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<Bandit>(*this);
  }

  void reset(Stream &) override {}

  void set_state(std::span<const double> qpos,
                 std::span<const double> qvel) override {
    if (!qpos.empty() || !qvel.empty())
      throw std::invalid_argument(
          fmt::format("{}: qpos and qvel must have no numbers: got {} and {}",
                      spec_.id, qpos.size(), qvel.size()));
  }

  StepResult step(const Action &action, Stream *) override {
    if (std::ssize(action) != spec_.action_size)
      throw std::invalid_argument(
          fmt::format("{}: action must have {} numbers: got {}", spec_.id,
                      spec_.action_size, action.size()));
    return {.reward = reward_(action), .terminated = true};
  }

  void observe(std::span<double> obs) const override { obs[0] = 0; }

  std::size_t state_size() const override { return 0; }
  void save(std::span<double>) const override {}

  void load(std::span<const double> state) override {
    if (!state.empty())
      throw std::runtime_error(fmt::format(
          "{}: state must have no numbers: got {}", spec_.id, state.size()));
  }

private:
  double (*reward_)(const Action &);
  Spec spec_;
};

Entry entry(const char *id, const char *summary, int action_size,
            double (*reward)(const Action &)) {
  return {id, summary, Kwargs::object(), [=](const Kwargs &) {
            return std::make_unique<Bandit>(id, action_size, reward);
          }};
}

} // namespace

Entry bandit_1d_entry() {
  return entry("bandit-1d", "one step, a parabola as reward", 1, parabola);
}

Entry multigoal_bandit_entry() {
  return entry("multigoal-bandit", "one step, a reward with four equal modes",
               2, four_modes);
}

} // namespace phlox::envs
