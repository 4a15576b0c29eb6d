// What several MuJoCo tasks are put together from: start noise, observations
// part by part, bodies by name.
#pragma once
#include "envs/mujoco_task.h"

#include <algorithm>
#include <span>

namespace phlox::envs {

/// Adds numbers of U(-scale, scale).
inline void add_uniform(Stream &noise, double scale,
                        std::span<double> numbers) {
  for (double &number : numbers)
    number += noise.uniform(-scale, scale);
}

/// Adds numbers of scale N(0, 1).
inline void add_normal(Stream &noise, double scale, std::span<double> numbers) {
  for (double &number : numbers)
    number += scale * noise.normal();
}

/// Views the rows of an array of mjData that has `width` numbers per body,
/// without those of the first bodies.
inline std::span<const double>
body_rows(const mjModel &model, const mjtNum *rows, int width, int first_body) {
  return std::span(rows, static_cast<std::size_t>(width * model.nbody))
      .subspan(static_cast<std::size_t>(width * first_body));
}

/// Fills an observation part by part.
class ObsWriter {
public:
  explicit ObsWriter(std::span<double> obs) : next_(obs.begin()) {}

  void add(double number) { *next_++ = number; }
  void add(std::span<const double> numbers) {
    next_ = std::copy(numbers.begin(), numbers.end(), next_);
  }
  void add_clipped(std::span<const double> numbers, Range range) {
    next_ =
        std::transform(numbers.begin(), numbers.end(), next_,
                       [range](double number) { return range.clip(number); });
  }

private:
  std::span<double>::iterator next_;
};

/// Returns the number of a body.
///
/// Errors:  std::runtime_error with the names of the bodies that there are.
int find_body(const Model &model, const std::string &name);

/// Returns the distance of two bodies' origins.
///
/// Units:   m.
double distance(const mjData &data, int one_body, int other_body);

} // namespace phlox::envs
