// Emits arithmetic on vectors of `lanes` elements: what element-wise rules are
// written in. Everything becomes vector instructions, never a library call.
#pragma once
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace phlox {

class VectorBuilder {
public:
  using Value = mlir::Value;
  VectorBuilder(mlir::ImplicitLocOpBuilder &builder, int64_t lanes)
      : builder(builder), lanes(lanes) {}

  // constants in every lane
  Value real(double number);
  Value integer(int32_t number);
  Value count(uint64_t number);
  Value truth(bool value);

  // f32 lanes
  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  Value div(Value x, Value y);
  Value fma(Value x, Value y, Value z); ///< x y + z, rounded once
  Value neg(Value x);
  Value abs(Value x);
  Value min(Value x, Value y); ///< NaN if one is NaN
  Value max(Value x, Value y);
  Value relu(Value x); ///< max(x, 0) in one instruction; -0 and NaN pass
  Value sqrt(Value x);
  Value floor(Value x);
  Value round(Value x); ///< to nearest even
  /// Evaluates sum_i coefficients[i] x^(n-1-i) by Horner's rule.
  Value polynomial(Value x, llvm::ArrayRef<double> coefficients);

  // transcendental functions, VectorMath.cpp and VectorRandom.cpp
  Value exp(Value x);       ///< 0 below -87, inf above 88.7
  Value expWithin(Value x); ///< of x in [-88, 88]
  Value expm1(Value x);     ///< relative error 3e-7
  Value log(Value x);       ///< nan below 0, -inf at 0
  Value logNormal(Value x); ///< of positive, finite, normal x only
  Value log1p(Value x);
  Value tanh(Value x);
  Value sigmoid(Value x);
  Value softplus(Value x);
  Value softplusTail(Value x); ///< ln(1 + e^-x) for x >= 0
  Value mish(Value x, int64_t order);
  Value erf(Value x);
  Value erfinv(Value x);
  Value sin(Value x);
  Value cos(Value x);
  Value normalTail(Value y); ///< P(Z > y) for y >= 0
  Value normalCdf(Value x);  ///< P(Z < x), exact in the left tail
  Value quantile(Value u);
  Value truncatedQuantile(Value u, Value lower, Value upper);

  // i32 and i64 lanes, modulo 2^32 and 2^64
  Value addi(Value x, Value y);
  Value subi(Value x, Value y);
  Value muli(Value x, Value y);
  Value remu(Value x, Value y); ///< unsigned remainder
  Value andi(Value x, Value y);
  Value ori(Value x, Value y);
  Value xori(Value x, Value y);
  Value shl(Value x, int32_t bits);
  Value shr(Value x, int32_t bits); ///< logical
  Value sar(Value x, int32_t bits); ///< arithmetic
  Value rotl(Value x, int32_t bits);
  /// Threefry2x32-20; all of i32 lanes.
  std::pair<Value, Value> threefry(Value key0, Value key1, Value counter0,
                                   Value counter1);

  // conversions and choices
  enum class Order { lt, le, gt, ge, eq, ne };
  Value compare(Order order, Value x, Value y);  ///< floats, ordered (ne: not)
  Value comparei(Order order, Value x, Value y); ///< unsigned
  Value select(Value condition, Value x, Value y);
  Value bitsToReal(Value x); ///< i32 -> f32, same bits
  Value realToBits(Value x);
  Value toReal(Value x); ///< i1, i32, i64, all unsigned -> f32; f32 passes
  Value signedToReal(Value x); ///< i32 -> f32
  /// Converts to i1 (x != 0), i32 or i64: truncates f32 and holds it between 0
  /// and the largest f32 in range (NaN: 0); widens by zeros; drops high bits.
  Value toInteger(Value x, mlir::Type element);
  /// Repeats a scalar in every lane; vectors pass.
  Value splat(Value x);

  mlir::Type vectorOf(mlir::Type element);

  mlir::ImplicitLocOpBuilder &builder;
  const int64_t lanes;
};

} // namespace phlox
