// What f32 arithmetic may make of an op's result.
#pragma once
#include "test/fuzz/tracked.h"

namespace phlox::fuzz {

/// A stream of noise.
class Noise {
public:
  explicit Noise(uint64_t seed) : state(seed) {}
  uint64_t bits();
  bool coin() { return bits() >> 63; }
  /// Half of kSamples bits, at random: two such choices are alike once in 70.
  unsigned half();
  /// Uniform in (-1, 1).
  double symmetric();
  /// An error of code that may round equal values alike, and is off by much the
  /// same for neighbouring ones: parts that are the same for them under one
  /// `key` (from `bits`), and one of its own. None is small, so that a single
  /// error that decides a result is hardly ever missed by all samples.
  double rounding(uint64_t key, double value);

private:
  uint64_t state;
};

/// How code computes an op: its result is the exact one for operands that are
/// each off by `operand`, itself off by `result` (of |result|, at least of
/// `floor`). A sum of n terms is off by as much as a random walk of its partial
/// sums, each rounded to half an ulp, where terms differ; terms that are about
/// equal are rounded one way every time.
struct Rounding {
  double operand = 0, result = 0, floor = 0;
  enum class Sum { none, terms, matrix } sum = Sum::none;
  bool isExact() const {
    return operand == 0 && result == 0 && sum == Sum::none;
  }
};
/// `factors` is how far a product's operands may be rounded first.
Rounding roundingOf(mlir::Operation *op, double factors);

/// Returns an operand as `rounding` moves it; where `exact` holds equal values,
/// code may move them alike.
HostTensor moved(const HostTensor &operand, const HostTensor &exact,
                 const Rounding &rounding, mlir::Operation *op, Noise &noise);
/// How far each element of the result may be off, before its own rounding.
std::vector<double> sumErrors(mlir::Operation *op,
                              ArrayRef<const HostTensor *> operands,
                              const Rounding &rounding);
/// Rounds the samples of a result, and spreads those of elements beyond the
/// ends of f32.
void roundSamples(mlir::Operation *op, const Rounding &rounding,
                  ArrayRef<double> errors, Tracked &result, Noise &noise);
/// Lets the samples of a result differ where the operands lie too close to a
/// jump of the op.
void spreadJumps(mlir::Operation *op, ArrayRef<const Tracked *> operands,
                 Tracked &result, Noise &noise);
/// Lets the samples of a result follow either operand of a minimum or maximum
/// where it is open which of them it is.
void spreadKinks(mlir::Operation *op, ArrayRef<const Tracked *> operands,
                 Tracked &result, Noise &noise);

/// Runs one op's `eval` on tensors.
std::vector<HostTensor> evaluate(mlir::Operation *op,
                                 ArrayRef<const HostTensor *> operands);

} // namespace phlox::fuzz
