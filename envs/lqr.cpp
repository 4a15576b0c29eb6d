// lqr: linear dynamics, quadratic cost, Gaussian noise; of any dimension. Its
// soft-optimal policy and value are known exactly (lqr_solution.h).
//   x' = A x + B u + w, w ~ N(0, W); reward -(x'Qx + u'Ru); x0 ~ U(-range,
//   range)
// obs is x; u = action_scale a; never terminated. As qpos it takes x; there is
// no qvel; a replay has no noise w.
#include "envs/matrix.h"
#include "envs/tasks.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace phlox::envs {
namespace {

constexpr const char *id = "lqr";

struct Config {
  Matrix A, B, Q, R;
  Matrix noise_factor; // L with L L' = W
  double x0_range;
};

double quadratic(const Matrix &matrix, const std::vector<double> &x) {
  double sum = 0;
  for (int i = 0; i < matrix.rows; ++i)
    for (int j = 0; j < matrix.cols; ++j)
      sum += x[static_cast<std::size_t>(i)] * matrix(i, j) *
             x[static_cast<std::size_t>(j)];
  return sum;
}

void add_product(const Matrix &matrix, const std::vector<double> &x,
                 std::vector<double> &result) {
  for (int i = 0; i < matrix.rows; ++i)
    for (int j = 0; j < matrix.cols; ++j)
      result[static_cast<std::size_t>(i)] +=
          matrix(i, j) * x[static_cast<std::size_t>(j)];
}

class Lqr final : public Environment {
public:
  Lqr(Config config, Spec spec)
      : config_(std::move(config)), spec_(std::move(spec)),
        x_(static_cast<std::size_t>(spec_.obs_size)) {}

  const Spec &spec() const override { return spec_; }

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<Lqr>(*this);
  }

  void reset(Stream &noise) override {
    for (double &x : x_)
      x = noise.uniform(-config_.x0_range, config_.x0_range);
  }

  void set_state(std::span<const double> qpos,
                 std::span<const double> qvel) override {
    if (qpos.size() != x_.size() || !qvel.empty())
      throw std::invalid_argument(
          fmt::format("lqr: qpos must have {} numbers and qvel none: got {} "
                      "and {}",
                      x_.size(), qpos.size(), qvel.size()));
    x_.assign(qpos.begin(), qpos.end());
  }

  StepResult step(const Action &action, Stream *noise) override {
    if (std::ssize(action) != spec_.action_size)
      throw std::invalid_argument(
          fmt::format("lqr: action must have {} numbers: got {}",
                      spec_.action_size, action.size()));
    std::vector<double> u(action.size()), next(x_.size());
    for (std::size_t k = 0; k < u.size(); ++k)
      u[k] = action[k];
    StepResult result;
    result.reward = -(quadratic(config_.Q, x_) + quadratic(config_.R, u));
    add_product(config_.A, x_, next);
    add_product(config_.B, u, next);
    if (noise) {
      std::vector<double> draw(x_.size());
      for (double &z : draw)
        z = noise->normal();
      add_product(config_.noise_factor, draw, next);
    }
    x_ = next;
    return result;
  }

  void observe(std::span<double> obs) const override {
    std::copy(x_.begin(), x_.end(), obs.begin());
  }

  std::size_t state_size() const override { return x_.size(); }
  void save(std::span<double> state) const override {
    std::ranges::copy(x_, state.begin());
  }

  void load(std::span<const double> state) override {
    if (state.size() != x_.size())
      throw std::runtime_error(fmt::format(
          "lqr: state must have {} numbers: got {}", x_.size(), state.size()));
    x_.assign(state.begin(), state.end());
  }

private:
  Config config_;
  Spec spec_;
  std::vector<double> x_; // (N)
};

// a number means 1x1, a list of numbers one row
Matrix read_matrix(const Kwargs &kwargs, const char *key) {
  const auto refuse = [&]() -> std::invalid_argument {
    return std::invalid_argument(fmt::format(
        "lqr: keyword argument '{}' must be a number or rows of "
        "equally many finite numbers: got {}",
        key,
        kwargs[key].dump(-1, ' ', false, Kwargs::error_handler_t::replace)));
  };
  Kwargs rows = kwargs[key];
  if (rows.is_number())
    rows = Kwargs::array({rows});
  if (!rows.empty() && rows[0].is_number())
    rows = Kwargs::array({rows});
  if (rows.empty() || !rows[0].is_array() || rows[0].empty())
    throw refuse();
  std::vector<double> numbers;
  for (const Kwargs &row : rows) {
    if (!row.is_array() || row.size() != rows[0].size())
      throw refuse();
    for (const Kwargs &number : row) {
      if (!number.is_number() || !std::isfinite(number.get<double>()))
        throw refuse();
      numbers.push_back(number.get<double>());
    }
  }
  return {static_cast<int>(rows.size()), static_cast<int>(rows[0].size()),
          std::move(numbers)};
}

void check_shape(const char *key, const Matrix &matrix, int rows, int cols) {
  if (matrix.rows != rows || matrix.cols != cols)
    throw std::invalid_argument(
        fmt::format("lqr: keyword argument '{}' must be {}x{}: got {}x{}", key,
                    rows, cols, matrix.rows, matrix.cols));
}

double positive(const Kwargs &kwargs, const char *key) {
  const double value = kwargs[key];
  if (!(value > 0))
    throw std::invalid_argument(fmt::format(
        "lqr: keyword argument '{}' must be positive: got {}", key, value));
  return value;
}

Matrix noise_factor(const Matrix &covariance) {
  try {
    return cholesky(covariance);
  } catch (const std::invalid_argument &error) {
    throw std::invalid_argument(fmt::format(
        "lqr: keyword argument 'W' {}: got one that is not", error.what()));
  }
}

std::unique_ptr<Environment> make(const Kwargs &kwargs) {
  Config config{read_matrix(kwargs, "A"), read_matrix(kwargs, "B"),
                read_matrix(kwargs, "Q"), read_matrix(kwargs, "R"),
                read_matrix(kwargs, "W"), positive(kwargs, "x0_range")};
  const int states = config.A.rows, controls = config.B.cols;
  check_shape("A", config.A, states, states);
  check_shape("B", config.B, states, controls);
  check_shape("Q", config.Q, states, states);
  check_shape("R", config.R, controls, controls);
  check_shape("W", config.noise_factor, states, states);
  config.noise_factor = noise_factor(config.noise_factor);
  const double scale = positive(kwargs, "action_scale");
  Spec spec;
  spec.id = id;
  spec.obs_size = spec.qpos_size = states;
  spec.action_size = controls;
  spec.max_episode_steps = positive_int(id, kwargs, "max_episode_steps");
  spec.action_low.assign(static_cast<std::size_t>(controls), -scale);
  spec.action_high.assign(static_cast<std::size_t>(controls), scale);
  return std::make_unique<Lqr>(std::move(config), std::move(spec));
}

Kwargs scalar(double value) { return Kwargs::array({Kwargs::array({value})}); }

} // namespace

Entry lqr_entry() {
  return {
      id, "linear dynamics and quadratic cost, solved in closed form",
      Kwargs{{"A", scalar(.95)},
             {"B", scalar(.4)},
             {"Q", scalar(1.)},
             {"R", scalar(.3)},
             {"W", scalar(.01)},
             {"action_scale", 6.0},
             {"x0_range", 2.0},
             {"max_episode_steps", 100}},
      make,
      Kwargs{{"A", "how the state moves on its own, a matrix"},
             {"B", "how the control moves the state, a matrix"},
             {"Q", "cost of the state, a matrix"},
             {"R", "cost of the control, a matrix"},
             {"W", "covariance of the noise, a matrix"},
             {"action_scale", "control per unit of action"},
             {"x0_range", "a start's coordinates are below this"},
             {"max_episode_steps", "env steps until an episode is truncated"}}};
}

} // namespace phlox::envs
