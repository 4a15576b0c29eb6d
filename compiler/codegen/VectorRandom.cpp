// Random bits, and the inverse distribution functions that shape them: exact
// in both tails, as each sample works with the smaller of its two tail
// probabilities. All steps are fma, mul, add, sqrt, div and integer ops in one
// order: equal bits wherever these are IEEE's.
#include "compiler/codegen/VectorBuilder.h"
#include <cmath>

namespace phlox {
namespace {

using Value = mlir::Value;

constexpr int32_t kRotations[] = {13, 15, 26, 6, 17, 29, 16, 24};

// The least tail probability that counts, and where it lies.
constexpr double kTailFloor = 1.2e-38, kFarthest = 12.9;

// y >= 0 with P(Z > y) = p = 1/2 - q, p in [1.2e-38, 1/2]: a rational in q^2
// or in sqrt(-ln p), of one form
Value tailInverse(VectorBuilder &v, Value p, Value q) {
  using Order = VectorBuilder::Order;
  Value root = v.sqrt(v.neg(v.logNormal(p)));
  Value central = v.compare(Order::lt, q, v.real(0.3155));
  auto choose = [&](double inside, double outside) {
    return v.select(central, v.real(inside), v.real(outside));
  };
  Value x = v.select(central, v.mul(q, q), v.sub(root, v.real(1.6)));
  Value a = choose(-6.37369108, 0.0348638669);
  a = v.fma(a, x, choose(-3.47243667, 0.496018022));
  a = v.fma(a, x, choose(-2.97053552, 2.08821869));
  a = v.fma(a, x, choose(-5.72188234, 3.18096399));
  a = v.fma(a, x, choose(2.50662827, 1.42343712));
  Value b = choose(0, 0.0246458091);
  b = v.fma(b, x, choose(0, 0.311792463));
  b = v.fma(b, x, choose(-3.32990742, 1.03497052));
  b = v.fma(b, x, v.real(1));
  Value lead = v.select(central, q, v.real(1));
  return v.div(v.mul(lead, a), b);
}

} // namespace

// Salmon, Moraes, Dror and Shaw 2011: 20 rounds, key words after every fourth.
std::pair<Value, Value> VectorBuilder::threefry(Value key0, Value key1,
                                                Value counter0,
                                                Value counter1) {
  Value key2 = xori(xori(key0, key1), integer(0x1BD11BDA));
  Value keys[] = {key0, key1, key2};
  Value x = addi(counter0, key0), y = addi(counter1, key1);
  for (int round = 0; round < 20; ++round) {
    x = addi(x, y);
    y = xori(rotl(y, kRotations[round % 8]), x);
    if (round % 4 != 3)
      continue;
    int group = round / 4 + 1;
    x = addi(x, keys[group % 3]);
    y = addi(y, addi(keys[(group + 1) % 3], integer(group)));
  }
  return {x, y};
}

// e^(-y^2 / 2) times a rational Mills ratio; what rounding takes off y^2 is
// put back. 5.9 ulp for y <= 12.9, the value there beyond.
Value VectorBuilder::normalTail(Value y) {
  y = min(y, real(kFarthest));
  Value h = mul(y, y), lost = fma(y, y, neg(h));
  Value a = polynomial(
      y, {0.00402018614, 0.0399841443, 0.181306675, 0.435686201, 0.5});
  Value b = polynomial(
      y, {0.0100769699, 0.100232765, 0.464380085, 1.19448388, 1.66925728, 1});
  Value e = expWithin(mul(h, real(-0.5)));
  return div(mul(fma(mul(real(-0.5), lost), e, e), a), b);
}

Value VectorBuilder::normalCdf(Value x) {
  Value tail = normalTail(abs(x));
  return select(compare(Order::lt, x, real(0)), tail, sub(real(1), tail));
}

// 4.8 ulp. u outside (0, 1) counts as the end, whose result is finite.
Value VectorBuilder::quantile(Value u) {
  Value p = max(min(u, sub(real(1), u)), real(kTailFloor));
  Value y = tailInverse(*this, p, sub(real(0.5), p));
  return select(compare(Order::lt, u, real(0.5)), neg(y), y);
}

// Masses below lower, above upper and between, each from the smaller side;
// then z from the smaller of its own tails.
Value VectorBuilder::truncatedQuantile(Value u, Value lower, Value upper) {
  Value zero = real(0), one = real(1);
  Value tailLower = normalTail(abs(lower)), tailUpper = normalTail(abs(upper));
  Value right = compare(Order::gt, lower, zero);
  Value left = compare(Order::lt, upper, zero);
  Value above0 = compare(Order::gt, upper, zero);
  Value below = select(right, sub(one, tailLower), tailLower);
  Value above = select(above0, tailUpper, sub(one, tailUpper));
  Value across = sub(sub(one, tailLower), tailUpper);
  Value inside = select(right, sub(tailLower, tailUpper),
                        select(left, sub(tailUpper, tailLower), across));
  Value p = fma(inside, u, below), q = fma(inside, sub(one, u), above);
  Value least = max(min(p, q), real(kTailFloor));
  Value y = tailInverse(*this, least, sub(real(0.5), least));
  Value z = select(compare(Order::lt, p, q), neg(y), y);
  return max(lower, min(upper, z));
}

// 5.2 ulp. The quantile of (1 + x) / 2 over sqrt 2, from 1/2 - p = |x| / 2
// inside and p = (1 - |x|) / 2 outside, both exact.
Value VectorBuilder::erfinv(Value x) {
  Value size = abs(x), half = real(0.5);
  Value p = max(fma(size, real(-0.5), half), real(kTailFloor));
  Value y = mul(tailInverse(*this, p, mul(size, half)), real(M_SQRT1_2));
  Value end =
      select(compare(Order::eq, size, real(1)), real(INFINITY), real(NAN));
  y = select(compare(Order::lt, size, real(1)), y, end);
  return select(compare(Order::lt, x, real(0)), neg(y), y);
}

} // namespace phlox
