// Ops whose results jump: comparisons, whole numbers, the place of a maximum;
// and those with kinks: minima and maxima.
#include "test/fuzz/rounding.h"
#include <cmath>

namespace phlox::fuzz {

bool Range::isFinite() const {
  return isKnown && std::isfinite(value) && std::isfinite(radius);
}

namespace {

// of any number that operands determine, as that of an element
template <class Quantity> Range rangeOf(Quantity quantity) {
  Range range{quantity(-1), 0, true};
  for (int m = 0; m < kSamples; m++) {
    double x = quantity(m);
    if (x == range.value || (std::isnan(x) && std::isnan(range.value)))
      continue;
    double deviation = std::abs(x - range.value);
    range.radius = std::max(range.radius, kReach * deviation);
    range.isKnown &= std::isfinite(deviation);
  }
  return range;
}

// whether a quantity may have either sign, or be 0 or not
bool isOpen(const Range &gap) {
  return !gap.isKnown || (gap.radius > 0 && std::abs(gap.value) <= gap.radius);
}

// the other truth in half of the samples
void flip(Tracked &result, int64_t i, Noise &noise) {
  unsigned half = noise.half();
  for (HostTensor &sample : result.samples) {
    sample.counts[i] = result.exact.counts[i] ^ (half & 1);
    half >>= 1;
  }
}

void spreadCompare(ArrayRef<const Tracked *> operands, Tracked &result,
                   Noise &noise) {
  const Tracked &x = *operands[0], &y = *operands[1];
  for (int64_t i = 0; i < result.exact.size(); i++)
    if (isOpen(rangeOf(
            [&](int m) { return x.at(m).reals[i] - y.at(m).reals[i]; })))
      flip(result, i, noise);
}

// x itself where it has no jumps close by, else one of its neighbours
void spreadWhole(const Tracked &x, Tracked &result, Noise &noise) {
  for (int64_t i = 0; i < result.exact.size(); i++) {
    Range range = rangeOf(x, i);
    double whole = std::round(range.value);
    if (range.isFinite() &&
        (range.radius == 0 || std::abs(range.value - whole) > range.radius))
      continue;
    double step = range.isFinite() ? std::ceil(range.radius) : 1;
    unsigned half = noise.half();
    for (HostTensor &sample : result.samples) {
      bool isBelow = half & 1;
      half >>= 1;
      if (sample.isReal())
        sample.reals[i] = whole - (isBelow ? step : 0);
      else if (!range.isFinite())
        sample.counts[i] = noise.bits() % 3;
      else if (whole >= 1) // below, all counts as 0
        sample.counts[i] = uint64_t(whole) - isBelow;
    }
  }
}

void spreadSign(const Tracked &x, Tracked &result, Noise &noise) {
  bool isTruth = !result.exact.isReal();
  for (int64_t i = 0; i < result.exact.size(); i++)
    if (isOpen(rangeOf(x, i)) && isTruth)
      flip(result, i, noise);
    else if (isOpen(rangeOf(x, i)))
      for (int m = 0; m < kSamples; m++)
        result.samples[m].reals[i] = m % 3 - 1;
}

// any element that may be the largest
void spreadArgMax(ArgMaxOp op, const Tracked &x, Tracked &result,
                  Noise &noise) {
  SmallVector<int64_t> strides = stridesOf(x.exact.shape());
  int64_t extent = x.exact.shape()[op.getAxis()];
  int64_t stride = strides[op.getAxis()];
  for (int64_t i = 0; i < result.exact.size(); i++) {
    int64_t first = i / stride * stride * extent + i % stride;
    int64_t top = first + int64_t(result.exact.counts[i]) * stride;
    std::vector<int64_t> candidates;
    for (int64_t k = 0; k < extent; k++) {
      int64_t place = first + k * stride;
      if (place != top && isOpen(rangeOf([&](int m) {
            return x.at(m).reals[top] - x.at(m).reals[place];
          })))
        candidates.push_back(k);
    }
    // there may be more than samples: those that f32 can tell least come first
    llvm::sort(candidates, [&](int64_t j, int64_t k) {
      auto order = [&](int64_t place) {
        return std::pair(-float(x.exact.reals[first + place * stride]), place);
      };
      return order(j) < order(k);
    });
    size_t turn = noise.bits() % kSamples;
    for (HostTensor &sample : result.samples) {
      sample.counts[i] = result.exact.counts[i];
      if (!candidates.empty() && turn > 0)
        sample.counts[i] = uint64_t(candidates[(turn - 1) % candidates.size()]);
      turn = (turn + 1) % kSamples;
    }
  }
}

bool isInteger(Value value) {
  return !tensorType(value).getElementType().isF32();
}

} // namespace

Range rangeOf(const Tracked &value, int64_t element) {
  if (value.isExact())
    return {value.exact.reals[element], 0, true};
  Range range = rangeOf([&](int m) { return value.at(m).reals[element]; });
  // what is rounded at all is off by up to half an ulp, however small the
  // samples happen to be
  if (range.radius > 0)
    range.radius = std::max(range.radius, 0x1p-24 * std::abs(range.value));
  return range;
}

void spreadJumps(mlir::Operation *op, ArrayRef<const Tracked *> operands,
                 Tracked &result, Noise &noise) {
  if (mlir::isa<CompareOp>(op)) {
    if (!isInteger(op->getOperand(0)))
      spreadCompare(operands, result, noise);
  } else if (mlir::isa<FloorOp>(op)) {
    spreadWhole(*operands[0], result, noise);
  } else if (mlir::isa<SignOp>(op)) {
    spreadSign(*operands[0], result, noise);
  } else if (auto argMax = mlir::dyn_cast<ArgMaxOp>(op)) {
    spreadArgMax(argMax, *operands[0], result, noise);
  } else if (mlir::isa<ConvertOp>(op)) {
    if (isInteger(op->getOperand(0)) || !isInteger(op->getResult(0)))
      return;
    if (tensorType(op->getResult(0)).getElementType().isInteger(1))
      spreadSign(*operands[0], result, noise);
    else
      spreadWhole(*operands[0], result, noise);
  } else if (mlir::isa<IsFiniteOp>(op)) {
    for (int64_t i = 0; i < result.exact.size(); i++) {
      bool differs = false;
      for (HostTensor &sample : result.samples)
        differs |= sample.counts[i] != result.exact.counts[i];
      if (differs)
        flip(result, i, noise);
    }
  }
}

void spreadKinks(mlir::Operation *op, ArrayRef<const Tracked *> operands,
                 Tracked &result, Noise &noise) {
  if (!mlir::isa<ReluOp, MinOp, MaxOp>(op) || !result.exact.isReal())
    return;
  // relu's other operand is 0
  auto operand = [&](size_t k, int m, int64_t i) {
    return k < operands.size() ? operands[k]->at(m).reals[i] : 0;
  };
  for (int64_t i = 0; i < result.exact.size(); i++) {
    if (!isOpen(rangeOf(
            [&](int m) { return operand(0, m, i) - operand(1, m, i); })))
      continue;
    unsigned half = noise.half();
    for (int m = 0; m < kSamples; m++, half >>= 1)
      result.samples[m].reals[i] = result.exact.reals[i] +
                                   operand(half & 1, m, i) -
                                   operand(half & 1, -1, i);
  }
}

} // namespace phlox::fuzz
