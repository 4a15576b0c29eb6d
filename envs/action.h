// One action, in the task's own units and in the number type of the caller.
#pragma once
#include <cstddef>
#include <span>

namespace phlox::envs {

/// Sums numbers in NumPy's order: fewer than eight from left to right, else
/// eight lanes, a tree over them, and the rest from left to right.
template <class T> T numpy_sum(std::span<const T> terms) {
  if (terms.size() < 8) {
    T sum = 0;
    for (const T term : terms)
      sum += term;
    return sum;
  }
  T lane[8];
  std::size_t next = 0;
  for (; next < 8; ++next)
    lane[next] = terms[next];
  for (; next + 8 <= terms.size(); next += 8)
    for (std::size_t k = 0; k < 8; ++k)
      lane[k] += terms[next + k];
  T sum = ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
          ((lane[4] + lane[5]) + (lane[6] + lane[7]));
  for (; next < terms.size(); ++next)
    sum += terms[next];
  return sum;
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
    // up to 64 actuators need no allocation, and no task has more than 17
    constexpr std::size_t chunk = 64;
    T squares[chunk], sum = 0;
    for (std::size_t start = 0; start < size_; start += chunk) {
      const std::size_t count = size_ - start < chunk ? size_ - start : chunk;
      for (std::size_t k = 0; k < count; ++k)
        squares[k] = numbers[start + k] * numbers[start + k];
      sum += numpy_sum(std::span<const T>(squares, count));
    }
    return static_cast<double>(static_cast<T>(weight) * sum);
  }

  const float *floats_ = nullptr;
  const double *doubles_ = nullptr;
  std::size_t size_;
};

} // namespace phlox::envs
