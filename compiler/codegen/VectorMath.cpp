// Transcendental functions as polynomials on vectors, all by way of one
// exponential and one logarithm. Errors are the largest seen by
// vector_math_test.cpp against f64; coefficients come from fit/vector_math.py
// where nothing else is said. With denormals flushed, as in compiled programs.
#include "compiler/codegen/VectorBuilder.h"
#include <cmath>

namespace phlox {
namespace {

using Value = mlir::Value;

// log2(e) and what f32 cuts off it; 1.5 * 2^23 puts a rounded sum's integer
// part into the low bits of its representation
constexpr double kLog2e = 1.44269502, kLog2eLow = 1.92596303e-8;
constexpr double kMagic = 12582912;
constexpr int32_t kOneBits = 0x3f800000, kHalfBits = 0x3f000000;

// 2^k for the integer k in the low bits of t, times the number with bits
// `one`; 0 where its exponent underflows
Value powerOfTwo(VectorBuilder &v, Value t, int32_t one) {
  return v.bitsToReal(v.addi(v.shl(v.realToBits(t), 23), v.integer(one)));
}

// 2^f, |f| <= 1/2, relative error 1.6e-8 (a Remez fit), times `factor`
Value exp2Fraction(VectorBuilder &v, Value f, double factor) {
  llvm::SmallVector<double> c = {1.53458124e-4,
                                 1.33999309e-3,
                                 9.61848907e-3,
                                 5.55032864e-2,
                                 0.240226462,
                                 0.693147182,
                                 1};
  for (double &number : c)
    number *= factor;
  return v.polynomial(f, c);
}

// x log2(e) = k + f; returns k as the sum that holds it, and f
std::pair<Value, Value> splitExponent(VectorBuilder &v, Value x) {
  Value t = v.fma(x, v.real(kLog2e), v.real(kMagic));
  Value k = v.sub(t, v.real(kMagic));
  Value f = v.fma(x, v.real(kLog2e), v.neg(k));
  return {t, v.fma(x, v.real(kLog2eLow), f)};
}

// ln(2^e (1 + f)), 1 + f in [sqrt 1/2, sqrt 2): a polynomial of relative error
// 6e-9 (fitted with least squares, reweighted) and e ln 2 in two parts
Value logParts(VectorBuilder &v, Value e, Value f) {
  Value p =
      v.polynomial(f, {-0.0763449296, 0.12761575, -0.131601825, 0.142017588,
                       -0.166233569, 0.200012267, -0.250008196, 0.333333313});
  Value s = v.mul(f, f);
  Value small = v.fma(v.mul(s, f), p, v.fma(v.real(-0.5), s, f));
  return v.fma(e, v.real(0.693359375), v.fma(e, v.real(-2.12194440e-4), small));
}

// bits of sqrt 1/2: exponents are counted from there
constexpr int32_t kRootHalfBits = 0x3f3504f3;

} // namespace

// 1.1 ulp
Value VectorBuilder::expWithin(Value x) {
  auto [t, f] = splitExponent(*this, x);
  return mul(exp2Fraction(*this, f, 1), powerOfTwo(*this, t, kOneBits));
}

// 1.1 ulp. One power of two less in the scale and one more in the polynomial,
// so that the highest results do not overflow too soon.
Value VectorBuilder::exp(Value x) {
  auto [t, f] = splitExponent(*this, min(max(x, real(-87)), real(89)));
  Value y = mul(exp2Fraction(*this, f, 2), powerOfTwo(*this, t, kHalfBits));
  return select(compare(Order::lt, x, real(-87)), real(0), y);
}

// 1.5 ulp. x = k ln 2 + r: 2^k (e^r - 1) + (2^k - 1), halved as above.
Value VectorBuilder::expm1(Value x) {
  Value c = min(max(x, real(-30)), real(89));
  Value t = fma(c, real(kLog2e), real(kMagic));
  Value k = sub(t, real(kMagic));
  Value r = fma(k, real(-0.693147182), c);
  r = fma(k, real(1.90465421e-9), r);
  Value p = polynomial(r, {0.000197616318, 0.00139323273, 0.00833354611,
                           0.0416664928, 0.166666657, 0.5});
  Value q = fma(mul(r, r), p, r);
  Value half = powerOfTwo(*this, t, kHalfBits);
  Value y = fma(half, q, sub(half, real(0.5)));
  return add(y, y);
}

Value VectorBuilder::logNormal(Value x) {
  Value shifted = subi(realToBits(x), integer(kRootHalfBits));
  Value e = signedToReal(sar(shifted, 23));
  Value mantissa =
      addi(andi(shifted, integer(0x7fffff)), integer(kRootHalfBits));
  return logParts(*this, e, sub(bitsToReal(mantissa), real(1)));
}

// what ln y is where y is not a positive finite number
static Value logElsewhere(VectorBuilder &v, Value y, Value result) {
  using Order = VectorBuilder::Order;
  Value zero = v.real(0), infinite = v.real(INFINITY);
  Value finite = v.select(v.compare(Order::eq, y, infinite), infinite, result);
  Value low =
      v.select(v.compare(Order::eq, y, zero), v.real(-INFINITY), v.real(NAN));
  return v.select(v.compare(Order::gt, y, zero), finite, low);
}

// 1.3 ulp
Value VectorBuilder::log(Value x) {
  return logElsewhere(*this, x, logNormal(x));
}

// 1.8 ulp. x is scaled by the exponent of 1 + x, and only then 1 is added,
// exactly; the scale goes through 2^2, as 2^-127 is denormal.
Value VectorBuilder::log1p(Value x) {
  Value y = add(x, real(1));
  Value shifted = subi(realToBits(y), integer(kRootHalfBits));
  Value exponent = andi(shifted, integer(int32_t(0xff800000)));
  Value scale = bitsToReal(subi(integer(0x40800000), exponent));
  Value f =
      add(mul(mul(x, scale), real(0.25)), fma(scale, real(0.25), real(-1)));
  Value e = signedToReal(sar(shifted, 23));
  return logElsewhere(*this, y, logParts(*this, e, f));
}

// 2.5 ulp. e / (e + 2), e = e^2x - 1: no cancellation for either sign.
Value VectorBuilder::tanh(Value x) {
  Value e = expm1(min(mul(x, real(2)), real(20)));
  return div(e, add(e, real(2)));
}

// 2.3 ulp. e^-|x| cannot overflow.
Value VectorBuilder::sigmoid(Value x) {
  Value w = expWithin(max(neg(abs(x)), real(-88)));
  Value one = real(1);
  Value numerator = select(compare(Order::lt, x, real(0)), w, one);
  return div(numerator, add(one, w));
}

// 2.1 ulp with softplus. w P(w), w = e^-x.
Value VectorBuilder::softplusTail(Value x) {
  Value w = expWithin(max(neg(x), real(-88)));
  return mul(w, polynomial(w, {-0.00329107977, 0.0200884696, -0.0574604869,
                               0.106613711, -0.153449774, 0.196921214,
                               -0.249580204, 0.333304644, -0.499999315, 1}));
}

Value VectorBuilder::softplus(Value x) {
  return add(relu(x), softplusTail(abs(x)));
}

// Order 0: 3.5 ulp; 1 and 2: 1.7 and 2.2 ulp of 1. One exponential and one
// division. From 9.02 on n r rounds to 1, so that 10 is exact and w^4 stays far
// from overflow; below -87 e^x is denormal, and the value stays -1.4e-36.
Value VectorBuilder::mish(Value x, int64_t order) {
  Value low = max(x, real(-87)), c = min(low, real(10));
  Value w = expWithin(c);
  Value n = fma(w, w, add(w, w)), d = add(n, real(2));
  if (order == 0)
    return mul(low, div(n, d));
  Value r = div(real(1), d);
  Value wr = mul(w, r);
  if (order == 1) // n r + 4 c w (w + 1) r^2
    return fma(mul(mul(real(4), c), fma(w, r, r)), wr, mul(n, r));
  // 4 w r^2 (2 (w + 1) + c (1 - 2 w + 4 w r))
  Value h = fma(real(4), wr, fma(real(-2), w, real(1)));
  Value inner = fma(c, h, fma(real(2), w, real(2)));
  return mul(mul(real(4), mul(wr, r)), inner);
}

// 1.0 ulp. x (1 + P(x^2)) inside, 1 - e^-P(|x|) where erfc is below 0.2.
Value VectorBuilder::erf(Value x) {
  Value size = min(abs(x), real(3.95)), s = mul(size, size);
  Value inside =
      polynomial(s, {7.99487098e-05, -0.000804949552, 0.00519239204,
                     -0.0268557295, 0.112836257, -0.376126289, 0.128379166});
  Value exponent =
      polynomial(size, {-0.000195936344, 0.00304321782, -0.0222269446,
                        0.103931665, 0.637182176, 1.12767565, 0.000195674962});
  Value outside = sub(real(1), expWithin(neg(exponent)));
  Value sign = andi(realToBits(x), integer(int32_t(0x80000000)));
  outside = bitsToReal(ori(realToBits(outside), sign));
  return select(compare(Order::lt, size, real(0.923)), fma(x, inside, x),
                outside);
}

// 1.6 ulp for |x| <= 1e4. pi/2 in three parts, each product exact in an FMA;
// then quarter turns choose between the two series.
static Value turn(VectorBuilder &v, Value x, int32_t quarter) {
  using Order = VectorBuilder::Order;
  Value t = v.fma(x, v.real(0.636619772), v.real(kMagic));
  Value k = v.sub(t, v.real(kMagic));
  Value r = v.fma(k, v.real(-1.57079637), x);
  r = v.fma(k, v.real(4.37113883e-8), r);
  r = v.fma(k, v.real(1.71512451e-15), r);
  Value s = v.mul(r, r);
  Value sine = v.polynomial(s, {-0.00019518286, 0.00833218917, -0.166666552});
  sine = v.fma(v.mul(s, r), sine, r);
  Value cosine =
      v.polynomial(s, {2.44323273e-05, -0.00138873095, 0.0416666456});
  cosine = v.fma(v.mul(s, s), cosine, v.fma(v.real(-0.5), s, v.real(1)));
  Value turns = v.addi(v.realToBits(t), v.integer(quarter));
  Value odd = v.andi(turns, v.integer(1));
  Value y = v.select(v.comparei(Order::eq, odd, v.integer(0)), sine, cosine);
  Value sign = v.shl(v.andi(turns, v.integer(2)), 30);
  return v.bitsToReal(v.xori(v.realToBits(y), sign));
}

Value VectorBuilder::sin(Value x) { return turn(*this, x, 0); }
Value VectorBuilder::cos(Value x) { return turn(*this, x, 1); }

} // namespace phlox
