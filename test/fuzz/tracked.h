// A program run by the f64 interpreter and, in lockstep, with the rounding that
// f32 code may do at every op: how far a correct result can be off.
#pragma once
#include "compiler/interpreter/Evaluation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <vector>

namespace phlox::fuzz {

/// A value, and samples of what rounding may leave of it.
///
/// Where the outcome of an op is open, because its operands lie closer to a
/// jump (a tie, a whole number, the end of f32) or a kink than their own
/// errors, samples take different sides: everything that depends on it spreads.
struct Tracked {
  HostTensor exact;
  std::vector<HostTensor> samples; ///< empty: exact whatever code does

  bool isExact() const { return samples.empty(); }
  /// The i-th sample; the exact value for i < 0.
  const HostTensor &at(int i) const {
    return i < 0 || samples.empty() ? exact : samples[i];
  }
};

/// Samples of each value, and how many times their largest deviation counts as
/// reachable: with eight, the largest of them falls below 1/16 of an error as
/// large as theirs in 4 of 10^9 elements, of half that, as most are, in 2 of
/// 10^11 (errors being normal).
inline constexpr int kSamples = 8;
inline constexpr double kReach = 16;
/// What is smaller may be 0 to f32 code, or any tiny number: below -87 mish is
/// x exp(-87), 1.6e-38 x.
inline constexpr double kTiny = 1e-33;

/// What f32 code can have computed for one element.
struct Range {
  double value = 0;      ///< f64
  double radius = 0;     ///< kReach times the largest deviation
  bool isKnown = true;   ///< false: anything goes
  bool isFinite() const; ///< known, and a number
};
Range rangeOf(const Tracked &value, int64_t element);

/// Runs a function on exact arguments; the noise comes from `seed`. The
/// operands of products may be rounded by `factors`, a share of each number.
std::vector<Tracked> track(mlir::func::FuncOp function,
                           std::vector<HostTensor> arguments, uint64_t seed,
                           double factors = 0);

} // namespace phlox::fuzz
