// One action, in the task's own units and in the number type of the caller.
#pragma once
#include <cstddef>
#include <span>

namespace phlox::envs {

/// Sums term(first) to term(first + count - 1) in NumPy's order: fewer than
/// eight from left to right; up to 128 in eight lanes, a tree over them, and
/// the rest from left to right; more as the sum of two halves.
template <class T, class Term>
T numpy_sum(std::size_t first, std::size_t count, Term term) {
  if (count < 8) {
    T sum = 0;
    for (std::size_t k = 0; k < count; ++k)
      sum += term(first + k);
    return sum;
  }
  if (count > 128) {
    const std::size_t half = count / 2 - count / 2 % 8;
    return numpy_sum<T>(first, half, term) +
           numpy_sum<T>(first + half, count - half, term);
  }
  T lane[8];
  std::size_t next = 0;
  for (; next < 8; ++next)
    lane[next] = term(first + next);
  for (; next + 8 <= count; next += 8)
    for (std::size_t k = 0; k < 8; ++k)
      lane[k] += term(first + next + k);
  T sum = ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
          ((lane[4] + lane[5]) + (lane[6] + lane[7]));
  for (; next < count; ++next)
    sum += term(first + next);
  return sum;
}

template <class T> T numpy_sum(std::span<const T> terms) {
  return numpy_sum<T>(0, terms.size(), [&](std::size_t k) { return terms[k]; });
}

/// Sums squares in NumPy's order.
template <class T> T sum_of_squares(std::span<const T> numbers) {
  return numpy_sum<T>(0, numbers.size(),
                      [&](std::size_t k) { return numbers[k] * numbers[k]; });
}

/// Views an action of float32 (training) or float64 (replay) numbers.
///
/// Gymnasium's control cost is computed in the number type of the action, so
/// the type has to reach the reward.
class Action {
public:
  explicit Action(std::span<const float> numbers)
      : floats_(numbers.data()), size_(numbers.size()) {}
  explicit Action(std::span<const double> numbers)
      : doubles_(numbers.data()), size_(numbers.size()) {}

  std::size_t size() const { return size_; }
  double operator[](std::size_t index) const {
    return floats_ ? static_cast<double>(floats_[index]) : doubles_[index];
  }

  /// Returns weight * sum of squares, rounded after every operation to the
  /// number type of the action.
  double cost(double weight) const {
    return floats_ ? cost_of(floats_, weight) : cost_of(doubles_, weight);
  }

private:
  template <class T> double cost_of(const T *numbers, double weight) const {
    return static_cast<double>(
        static_cast<T>(weight) *
        sum_of_squares(std::span<const T>(numbers, size_)));
  }

  const float *floats_ = nullptr;
  const double *doubles_ = nullptr;
  std::size_t size_;
};

} // namespace phlox::envs
