#include "test/fuzz/rounding.h"
#include <bit>
#include <cmath>
#include <map>
#include <string>

namespace phlox::fuzz {

namespace {
constexpr double kUlp = 0x1p-23, kHalf = 0x1p-24;
// a square of what is larger leaves f32; so does what a kernel may compute
// between operands and result
constexpr double kHuge = 1e18;
} // namespace

// of splitmix64
static uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t Noise::bits() { return mixed(state += 0x9e3779b97f4a7c15); }

unsigned Noise::half() {
  for (;;)
    if (unsigned mask = bits() % (1u << kSamples);
        std::popcount(mask) == kSamples / 2)
      return mask;
}

double Noise::symmetric() { return double(int64_t(bits())) * 0x1p-63; }

// numbers with one sign, one exponent and these bits of the mantissa are
// neighbours
static uint64_t neighbourhood(double value, int mantissaBits) {
  return std::bit_cast<uint64_t>(value) >> (52 - mantissaBits);
}

double Noise::rounding(uint64_t key, double value) {
  // of either sign, 1/2 to 1
  auto error = [](uint64_t bits) {
    return (bits >> 63 ? 0.5 : -0.5) *
           (1 + double(bits & 0xffffffff) * 0x1p-32);
  };
  return 0.55 * error(mixed(key ^ neighbourhood(value, 12))) +
         0.25 * error(mixed(~key ^ neighbourhood(value, 52))) +
         0.2 * error(bits());
}

std::vector<HostTensor> evaluate(mlir::Operation *op,
                                 ArrayRef<const HostTensor *> operands) {
  Evaluation evaluation(op, operands, nullptr);
  mlir::cast<Rules>(op).eval(evaluation);
  return evaluation.takeResults();
}

Rounding roundingOf(mlir::Operation *op, double factors) {
  using Sum = Rounding::Sum;
  // functions of the vector library keep to what vector_math_test allows; the
  // sum of an op's operand and result errors is at least that
  static const std::map<std::string, Rounding> known = {
      {"abs", {}},
      {"argmax", {}},
      {"broadcast", {}},
      {"compare", {}},
      {"concat", {}},
      {"constant", {}},
      {"convert", {}},
      {"countadd", {}},
      {"countrem", {}},
      {"expand", {}},
      {"floor", {}},
      {"gather", {}},
      {"iota", {}},
      {"isfinite", {}},
      {"logicaland", {}},
      {"logicalor", {}},
      {"max", {}},
      {"min", {}},
      {"neg", {}},
      {"pad", {}},
      {"randombits", {}},
      {"randomkey", {}},
      {"relu", {}},
      {"repeat", {}},
      {"reshape", {}},
      {"scatteradd", {}},
      {"select", {}},
      {"sign", {}},
      {"slice", {}},
      {"stopgradient", {}},
      {"stretch", {}},
      {"transpose", {}},
      {"uniform", {}},
      {"add", {0, kHalf, 0}},
      {"sub", {0, kHalf, 0}},
      {"mul", {0, kHalf, 0}},
      {"div", {0, kUlp, 0}},
      {"sqrt", {0, kHalf, 0}},
      {"square", {0, kHalf, 0}},
      {"reciprocal", {0, kUlp, 0}},
      {"rsqrt", {0, kUlp, 0}},
      {"quantile", {0, 8 * kUlp, 0}},
      {"normal", {0, 8 * kUlp, 0}},
      {"erfinv", {0, 8 * kUlp, 0}},
      {"gelu", {0, 8 * kUlp, 0}},
      // of the slopes' largest value, 1
      {"mish", {kHalf, 4 * kUlp, 1}},
      // the bounds of vector_random_test, absolute
      {"truncquantile", {kHalf, 4 * kUlp, 8}},
      {"truncnormal", {kHalf, 4 * kUlp, 8}},
      {"pow", {4 * kUlp, 4 * kUlp, 0}},
      {"cumsum", {0, kHalf, 0, Sum::terms}},
      {"softmax", {kHalf, 4 * kUlp, 0}},
      {"logsumexp", {kHalf, 4 * kUlp, 0.5}},
      {"layernorm", {2 * kUlp, 4 * kUlp, 0.5}},
      // backward stable as a whole, not element by element: `moved`
      {"inverse", {4 * kUlp, 4 * kUlp, 0}},
      {"logdet", {4 * kUlp, 4 * kUlp, 0}},
      {"cholesky", {4 * kUlp, 4 * kUlp, 0}},
  };
  if (mlir::isa<MatmulOp>(op))
    return {factors, kHalf, 0, Sum::matrix};
  if (auto reduce = mlir::dyn_cast<ReduceOp>(op)) {
    bool isChoice = reduce.getKind() == Reduction::max ||
                    reduce.getKind() == Reduction::min;
    return isChoice ? Rounding{} : Rounding{0, kUlp, 0, Sum::terms};
  }
  if (auto convert = mlir::dyn_cast<ConvertOp>(op)) {
    // integers beyond 2^24 are rounded
    bool isRounded = tensorType(convert).getElementType().isF32();
    return {0, isRounded ? kHalf : 0, 0};
  }
  auto found = known.find(op->getName().stripDialect().str());
  Rounding result =
      found == known.end() ? Rounding{kHalf, 4 * kUlp, 0} : found->second;
  // sums inside, of terms that may be equal (see sumErrors)
  if (auto softmax = mlir::dyn_cast<SoftmaxOp>(op))
    result.result +=
        kHalf / 4 * double(shapeOf(softmax.getX())[softmax.getAxis()]);
  if (auto sum = mlir::dyn_cast<LogSumExpOp>(op))
    result.result += kHalf / 4 * double(shapeOf(sum.getX())[sum.getAxis()]);
  return result;
}

HostTensor moved(const HostTensor &operand, const HostTensor &exact,
                 const Rounding &rounding, mlir::Operation *op, Noise &noise) {
  HostTensor result = operand;
  if (mlir::isa<InverseOp, LogDetOp, CholeskyOp>(op)) {
    // n pivots, each rounding what is as large as the largest element
    int64_t n = operand.shape().back();
    for (size_t start = 0; start < result.reals.size(); start += n * n) {
      double largest = 0;
      for (int64_t i = 0; i < n * n; i++)
        largest = std::max(largest, std::abs(result.reals[start + i]));
      for (int64_t i = 0; i < n * n; i++)
        result.reals[start + i] +=
            double(n) * rounding.operand * largest * noise.symmetric();
    }
    return result;
  }
  double size = rounding.operand;
  if (mlir::isa<LayerNormOp>(op)) // its sums
    size *= std::sqrt(double(operand.shape().back()));
  uint64_t key = noise.bits();
  for (size_t i = 0; i < exact.reals.size(); i++)
    result.reals[i] +=
        size * result.reals[i] * noise.rounding(key, exact.reals[i]);
  return result;
}

// The most neighbours among numbers but 0.
static int64_t mostAlike(const std::vector<double> &numbers) {
  std::vector<uint64_t> sorted;
  for (double x : numbers)
    if (x != 0)
      sorted.push_back(neighbourhood(x, 10));
  llvm::sort(sorted);
  int64_t most = 0, run = 0;
  for (size_t i = 0; i < sorted.size(); i++) {
    run = i > 0 && sorted[i] == sorted[i - 1] ? run + 1 : 1;
    most = std::max(most, run);
  }
  return most;
}

// The same among the factors of any one sum of products: `count` of them, each
// `stride` after the last.
static int64_t mostAlike(const HostTensor &factors, int64_t count,
                         int64_t stride) {
  int64_t most = 0;
  std::vector<double> met(static_cast<size_t>(count));
  for (int64_t block = 0; block < factors.size(); block += count * stride)
    for (int64_t start = block; start < block + stride; start++) {
      for (int64_t i = 0; i < count; i++)
        met[i] = factors.reals[start + i * stride];
      most = std::max(most, mostAlike(met));
    }
  return most;
}

std::vector<double> sumErrors(mlir::Operation *op,
                              ArrayRef<const HostTensor *> operands,
                              const Rounding &rounding) {
  if (rounding.sum == Rounding::Sum::none)
    return {};
  std::vector<HostTensor> sizes;
  for (const HostTensor *operand : operands)
    for (double &x : sizes.emplace_back(*operand).reals)
      x = std::abs(x);
  SmallVector<const HostTensor *> pointers;
  for (HostTensor &size : sizes)
    pointers.push_back(&size);
  std::vector<double> errors = std::move(evaluate(op, pointers).front().reals);
  int64_t terms = operands[0]->size(), alike;
  if (rounding.sum == Rounding::Sum::matrix) {
    terms = operands[0]->shape().back();
    alike =
        std::min(mostAlike(*operands[0], terms, 1),
                 mostAlike(*operands[1], terms, operands[1]->shape().back()));
  } else {
    if (mlir::isa<ReduceOp>(op))
      terms /= int64_t(errors.size());
    alike = std::min(terms, mostAlike(operands[0]->reals));
  }
  for (double &error : errors)
    error *=
        kHalf * (1 + std::max(double(alike) / 4, std::sqrt(double(terms))));
  return errors;
}

void roundSamples(mlir::Operation *op, const Rounding &rounding,
                  ArrayRef<double> errors, Tracked &result, Noise &noise) {
  bool isDerivative = true;
  if (auto mish = mlir::dyn_cast<MishOp>(op))
    isDerivative = mish.getOrder() > 0;
  double floor = isDerivative ? rounding.floor : 0;
  const std::vector<double> &exact = result.exact.reals;
  for (auto [m, sample] : llvm::enumerate(result.samples)) {
    uint64_t key = noise.bits();
    for (size_t i = 0; i < exact.size(); i++) {
      double &x = sample.reals[i];
      double error = rounding.result * std::max(std::abs(x), floor) +
                     (errors.empty() ? 0 : errors[i]);
      x += error * noise.rounding(key, exact[i]);
      // beyond either end of f32 its code sees 0, infinity or worse
      if (std::abs(x) < kTiny && x != 0)
        x = noise.coin() ? 0 : kTiny * noise.symmetric();
      if (m % 2 && std::abs(exact[i]) > kHuge && std::isfinite(exact[i]))
        x = NAN;
    }
  }
}

} // namespace phlox::fuzz
