// Traced tensors and the functions on them. Every function takes the line of
// its caller as a last, defaulted argument; operators learn it from `Operand`.
//
// Element-wise functions broadcast their operands as NumPy does, and a number
// may stand for any tensor operand as long as one operand is a tensor.
#pragma once
#include "compiler/dialect/Phlox.h"
#include "dsl/error.h"
#include <concepts>
#include <initializer_list>
#include <source_location>
#include <span>
#include <string_view>
#include <vector>

namespace phlox {

class Trace;
using Extents = std::vector<int64_t>;

/// What a tensor holds; `any` takes over what the other operands hold.
enum class Element { any, real, index, count, truth };

/// A value of the graph that a trace is building.
class Tensor {
public:
  Tensor() = default;
  Tensor(mlir::Value value, Trace *trace) : value_(value), trace_(trace) {}

  mlir::Value value() const { return value_; }
  Trace &trace() const { return *trace_; }
  /// Tells whether this was default-constructed: it stands for no value.
  bool empty() const { return !value_; }
  Extents shape() const;
  int64_t rank() const;
  /// Returns one extent; axis -1 is the last.
  ///
  /// Errors: Error if the axis is not in [-rank, rank).
  int64_t
  extent(int64_t axis,
         std::source_location at = std::source_location::current()) const;
  Element element() const;

private:
  mlir::Value value_;
  Trace *trace_ = nullptr;
};

/// An argument of a DSL function: a tensor or a number, and the caller's line.
class Operand {
public:
  Operand(const Tensor &tensor,
          std::source_location at = std::source_location::current())
      : tensor(tensor), at(at) {}
  template <class Number>
    requires std::integral<Number> || std::floating_point<Number>
  Operand(Number number,
          std::source_location at = std::source_location::current())
      : number(static_cast<double>(number)), at(at) {}

  bool is_number() const { return tensor.empty(); }

  Tensor tensor;
  double number = 0;
  std::source_location at;
};

/// A list of arguments.
class Operands : public std::vector<Operand> {
public:
  using std::vector<Operand>::vector;
  Operands(const std::vector<Tensor> &tensors,
           std::source_location at = std::source_location::current()) {
    for (const Tensor &tensor : tensors)
      emplace_back(tensor, at);
  }
};

// op functions, generated from compiler/dialect/PhloxOps.td
#include "dsl/ops.h.inc"

// MANUAL: what ODS does not describe well enough to generate

Tensor operator+(const Operand &lhs, const Operand &rhs);
Tensor operator-(const Operand &lhs, const Operand &rhs);
Tensor operator*(const Operand &lhs, const Operand &rhs);
Tensor operator/(const Operand &lhs, const Operand &rhs);
Tensor operator-(const Operand &x);
Tensor operator<(const Operand &lhs, const Operand &rhs);
Tensor operator<=(const Operand &lhs, const Operand &rhs);
Tensor operator>(const Operand &lhs, const Operand &rhs);
Tensor operator>=(const Operand &lhs, const Operand &rhs);

/// Axes of a reduction: one, or several in braces; negative from the end.
class Axes {
public:
  Axes(int64_t axis) : values{axis} {}
  Axes(std::initializer_list<int64_t> axes) : values(axes) {}
  std::vector<int64_t> values;
};

/// Sums over all axes.
Tensor sum(const Operand &x,
           std::source_location at = std::source_location::current());
/// Sums over some axes, which disappear.
Tensor sum(const Operand &x, const Axes &axes,
           std::source_location at = std::source_location::current());
/// Averages over all axes.
Tensor mean(const Operand &x,
            std::source_location at = std::source_location::current());
/// Averages over some axes, which disappear.
Tensor mean(const Operand &x, const Axes &axes,
            std::source_location at = std::source_location::current());
/// Takes the largest element over axes, which disappear; `max` is the
/// element-wise one.
Tensor amax(const Operand &x, const Axes &axes,
            std::source_location at = std::source_location::current());
/// Takes the smallest element over axes, which disappear.
Tensor amin(const Operand &x, const Axes &axes,
            std::source_location at = std::source_location::current());

/// Returns the effective sample size of normalized importance weights.
///
/// Shapes:  weights (..., K) -> (...); K is reduced.
/// Units:   samples, from 1 (one weight holds all) to K (all equal).
/// Errors:  Error at the caller's line if weights has rank 0.
/// Source:  Kong, Liu and Wong 1994: 1 / sum_k w_k^2.
Tensor ess(const Operand &weights,
           std::source_location at = std::source_location::current());

/// Limits every element to [low, high].
Tensor clip(const Operand &x, const Operand &low, const Operand &high,
            std::source_location at = std::source_location::current());

/// Converts the element type; a no-op if it is the wanted one.
Tensor convert(const Operand &x, Element element,
               std::source_location at = std::source_location::current());

/// Makes a tensor of one number, with the elements of `like`.
///
/// Shapes:  () -> shape.
Tensor fill(const Tensor &like, const Extents &shape, double number,
            std::source_location at = std::source_location::current());

/// Makes a tensor of given reals, in row-major order.
///
/// Shapes:  () -> shape.
/// Errors:  Error if there are not as many numbers as elements.
Tensor constant(Trace &trace, const Extents &shape,
                std::span<const float> numbers,
                std::source_location at = std::source_location::current());

/// Counts 0, 1, 2, ... along one axis.
///
/// Shapes:  () -> shape.
Tensor iota(Trace &trace, const Extents &shape, int64_t axis, Element element,
            std::source_location at = std::source_location::current());

/// Marks the place `index` along a new last axis with 1.
///
/// Shapes:  index (...) i32 -> (..., count) f32.
Tensor one_hot(const Tensor &index, int64_t count,
               std::source_location at = std::source_location::current());

/// Computes x w + b.
///
/// Shapes:  x (..., I), w (I, J), b (J) -> (..., J); leading axes of x are
///          rows of one matrix.
Tensor linear(const Operand &x, const Operand &weight, const Operand &bias,
              std::source_location at = std::source_location::current());

} // namespace phlox
