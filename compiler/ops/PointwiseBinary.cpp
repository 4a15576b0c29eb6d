// Rules of the element-wise ops of two real operands. Where min and max meet a
// tie, the whole slope goes to lhs.
#include "compiler/ops/PointwiseTable.h"
#include <cmath>
#include <numbers>

namespace phlox {
namespace {

using G = Graph;
using V = VectorBuilder;

// NaN if one is NaN, unlike fmin and fmax
double minOf(double x, double y) { return std::isnan(x) || x < y ? x : y; }
double maxOf(double x, double y) { return std::isnan(x) || x > y ? x : y; }
double logAddExpOf(double x, double y) {
  if (x == y) // equal infinities have no difference
    return x + std::numbers::ln2;
  return maxOf(x, y) + std::log1p(std::exp(-std::abs(x - y)));
}

// the direction where `chosen` holds, 0 elsewhere
Value where(G &g, Value chosen, Value direction) {
  return g.select(chosen, direction, g.constant(0, direction));
}
Value elsewhere(G &g, Value chosen, Value direction) {
  return g.select(chosen, g.constant(0, direction), direction);
}

constexpr Binary add{[](double x, double y) { return x + y; },
                     [](G &, Value, Value, Value, Value d) { return d; },
                     [](G &, Value, Value, Value, Value d) { return d; },
                     [](V &v, Value x, Value y) { return v.add(x, y); }};
constexpr Binary sub{
    [](double x, double y) { return x - y; },
    [](G &, Value, Value, Value, Value d) { return d; },
    [](G &g, Value, Value, Value, Value d) { return g.neg(d); },
    [](V &v, Value x, Value y) { return v.sub(x, y); }};
constexpr Binary mul{
    [](double x, double y) { return x * y; },
    [](G &g, Value, Value y, Value, Value d) { return g.mul(d, y); },
    [](G &g, Value x, Value, Value, Value d) { return g.mul(d, x); },
    [](V &v, Value x, Value y) { return v.mul(x, y); }};
constexpr Binary div{
    [](double x, double y) { return x / y; },
    [](G &g, Value, Value y, Value, Value d) { return g.div(d, y); },
    [](G &g, Value, Value y, Value z, Value d) {
      return g.neg(g.div(g.mul(d, z), y));
    },
    [](V &v, Value x, Value y) { return v.div(x, y); }};
constexpr Binary pow{
    [](double x, double y) { return std::pow(x, y); },
    [](G &g, Value x, Value y, Value z, Value d) {
      return g.mul(d, g.div(g.mul(y, z), x));
    },
    [](G &g, Value x, Value, Value z, Value d) {
      return g.mul(d, g.mul(z, g.log(x)));
    },
    [](V &v, Value x, Value y) { return v.exp(v.mul(y, v.log(x))); }};
constexpr Binary min{minOf,
                     [](G &g, Value x, Value y, Value, Value d) {
                       return where(g, g.compare(Comparison::le, x, y), d);
                     },
                     [](G &g, Value x, Value y, Value, Value d) {
                       return elsewhere(g, g.compare(Comparison::le, x, y), d);
                     },
                     [](V &v, Value x, Value y) { return v.min(x, y); }};
constexpr Binary max{maxOf,
                     [](G &g, Value x, Value y, Value, Value d) {
                       return where(g, g.compare(Comparison::ge, x, y), d);
                     },
                     [](G &g, Value x, Value y, Value, Value d) {
                       return elsewhere(g, g.compare(Comparison::ge, x, y), d);
                     },
                     [](V &v, Value x, Value y) { return v.max(x, y); }};
constexpr Binary logAddExp{logAddExpOf,
                           [](G &g, Value x, Value y, Value, Value d) {
                             return g.mul(d, g.make<SigmoidOp>(g.sub(x, y)));
                           },
                           [](G &g, Value x, Value y, Value, Value d) {
                             return g.mul(d, g.make<SigmoidOp>(g.sub(y, x)));
                           },
                           [](V &v, Value x, Value y) {
                             Value gap =
                                 v.select(v.compare(V::Order::eq, x, y),
                                          v.real(0), v.abs(v.sub(x, y)));
                             return v.add(v.max(x, y), v.softplusTail(gap));
                           }};

} // namespace

PHLOX_BINARY(AddOp, add)
PHLOX_BINARY(SubOp, sub)
PHLOX_BINARY(MulOp, mul)
PHLOX_BINARY(DivOp, div)
PHLOX_BINARY(PowOp, pow)
PHLOX_BINARY(MinOp, min)
PHLOX_BINARY(MaxOp, max)
PHLOX_BINARY(LogAddExpOp, logAddExp)

} // namespace phlox
