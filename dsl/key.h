// Noise: a key made from seed and step, and named streams drawn with it.
#pragma once
#include "dsl/tensor.h"
#include <string>

namespace phlox {

/// The source of one entry point's noise. Every draw has a name of its own;
/// the stream is called "prefix/name", and so is its input under
/// --explicit-noise.
///
/// Errors: Error if a name repeats, two hashes collide, or a draw stands in a
///         scan's body.
class Key {
public:
  Key(const Tensor &seed, const Tensor &step, std::string prefix,
      std::source_location at = std::source_location::current());

  /// Draws from N(0, 1).
  Tensor
  normal(std::string_view name, const Extents &shape,
         std::source_location at = std::source_location::current()) const;
  /// Draws from U(0, 1), ends excluded.
  Tensor
  uniform(std::string_view name, const Extents &shape,
          std::source_location at = std::source_location::current()) const;
  /// Draws -1 or 1 with equal probability; the stream is uniform.
  Tensor sign(std::string_view name, const Extents &shape,
              std::source_location at = std::source_location::current()) const;
  /// Draws from N(0, 1) truncated to (lower, upper).
  ///
  /// Shapes:  lower and upper broadcast to one shape -> that shape.
  Tensor
  truncnormal(std::string_view name, const Operand &lower, const Operand &upper,
              std::source_location at = std::source_location::current()) const;

private:
  std::string stream(std::string_view name) const;
  Tensor key;
  std::string prefix;
};

} // namespace phlox
