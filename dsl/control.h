// Derivatives and repetition of traced graphs.
#pragma once
#include "dsl/tensor.h"
#include <functional>

namespace phlox {

/// Emits the gradient of a scalar with respect to some tensors.
///
/// Shapes:  loss () -> one tensor per entry of `wrt`, of its shape; zeros
///          where the loss does not depend on it.
/// Errors:  Error if the loss is not a real scalar.
std::vector<Tensor>
grad(const Tensor &loss, const std::vector<Tensor> &wrt,
     std::source_location at = std::source_location::current());

/// Emits the directional derivative of an output along input tangents.
///
/// Shapes:  tangents as the inputs (a number stands for a constant tangent)
///          -> as the output.
/// Errors:  Error if a tangent's shape is not its input's.
Tensor jvp(const Tensor &output, const std::vector<Tensor> &inputs,
           const Operands &tangents,
           std::source_location at = std::source_location::current());

/// What one step of a scan hands on.
struct ScanStep {
  std::vector<Tensor> carries; ///< for the next step, shaped as the inits
  std::vector<Tensor> ys;      ///< stacked along a new leading axis
};

/// Runs `body(carries, xs)` `length` times, handing carries on; the body may
/// use any tensor of the enclosing entry point.
///
/// Shapes:  inits any; xs (length, ...), the body sees (...); ys (...) in the
///          body -> (length, ...).
/// Errors:  Error if an extent of xs or a carry does not fit, or if noise is
///          drawn in the body.
ScanStep
scan(int64_t length, const std::vector<Tensor> &inits,
     const std::vector<Tensor> &xs,
     const std::function<ScanStep(const std::vector<Tensor> &carries,
                                  const std::vector<Tensor> &xs)> &body,
     bool reverse = false,
     std::source_location at = std::source_location::current());

/// The same with fewer carries stored for gradients: those before every
/// `stride`-th step. The ones between are computed again, which doubles the
/// forward work; of `length` carries, length / stride + stride are held at a
/// time.
///
/// Errors:  as above, and Error if stride is below 1.
ScanStep
remat_scan(int64_t length, int64_t stride, const std::vector<Tensor> &inits,
           const std::vector<Tensor> &xs,
           const std::function<ScanStep(const std::vector<Tensor> &carries,
                                        const std::vector<Tensor> &xs)> &body,
           bool reverse = false,
           std::source_location at = std::source_location::current());

/// Maps a function over an axis: `f` is written for one example and emitted
/// once, for all of them. What `f` uses of the enclosing entry point is shared
/// by the examples, and `grad` towards it inside of `f` is a gradient per
/// example.
///
/// Shapes:  inputs with one extent N along their mapped axis, which `f` does
///          not see -> each tensor that `f` returns, with N in front.
///          `axes` has one mapped axis per input, negative from the end; none:
///          the first of each.
/// Errors:  Error if an axis or extent does not fit, or if noise or a key that
///          differs by example is wanted in `f`: draw (N, ...) outside.
std::vector<Tensor>
vmap(const std::vector<Tensor> &inputs,
     const std::function<std::vector<Tensor>(const std::vector<Tensor> &)> &f,
     const Extents &axes = {},
     std::source_location at = std::source_location::current());

} // namespace phlox
