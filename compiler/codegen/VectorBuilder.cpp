// Arithmetic on vectors of lanes. No fast-math flags: what is written here is
// what runs, up to the last bit.
#include "compiler/codegen/VectorBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

namespace arith = mlir::arith;
namespace math = mlir::math;
using Value = mlir::Value;

namespace phlox {

mlir::Type VectorBuilder::vectorOf(mlir::Type element) {
  return mlir::VectorType::get({lanes}, element);
}

Value VectorBuilder::splat(Value x) {
  if (mlir::isa<mlir::VectorType>(x.getType()))
    return x;
  return mlir::vector::BroadcastOp::create(builder, vectorOf(x.getType()), x);
}

static Value constant(VectorBuilder &v, mlir::TypedAttr element) {
  auto type = mlir::cast<mlir::VectorType>(v.vectorOf(element.getType()));
  return arith::ConstantOp::create(
      v.builder, mlir::DenseElementsAttr::get(type, mlir::Attribute(element)));
}

Value VectorBuilder::real(double number) {
  return constant(*this, builder.getF32FloatAttr(float(number)));
}
Value VectorBuilder::integer(int32_t number) {
  return constant(*this, builder.getI32IntegerAttr(number));
}
Value VectorBuilder::count(uint64_t number) {
  return constant(*this, builder.getI64IntegerAttr(int64_t(number)));
}
Value VectorBuilder::truth(bool value) {
  return constant(*this, builder.getIntegerAttr(builder.getI1Type(), value));
}

// f32 lanes
Value VectorBuilder::add(Value x, Value y) {
  return arith::AddFOp::create(builder, x, y);
}
Value VectorBuilder::sub(Value x, Value y) {
  return arith::SubFOp::create(builder, x, y);
}
Value VectorBuilder::mul(Value x, Value y) {
  return arith::MulFOp::create(builder, x, y);
}
Value VectorBuilder::div(Value x, Value y) {
  return arith::DivFOp::create(builder, x, y);
}
// not vector.fma: that one may be rounded twice
Value VectorBuilder::fma(Value x, Value y, Value z) {
  return math::FmaOp::create(builder, x, y, z);
}
Value VectorBuilder::neg(Value x) { return arith::NegFOp::create(builder, x); }
Value VectorBuilder::abs(Value x) { return math::AbsFOp::create(builder, x); }
Value VectorBuilder::min(Value x, Value y) {
  return arith::MinimumFOp::create(builder, x, y);
}
Value VectorBuilder::max(Value x, Value y) {
  return arith::MaximumFOp::create(builder, x, y);
}
// a max with +0 would need three: it promises the sign of a zero
Value VectorBuilder::relu(Value x) {
  Value zero = real(0);
  return select(compare(Order::lt, x, zero), zero, x);
}
Value VectorBuilder::sqrt(Value x) { return math::SqrtOp::create(builder, x); }
Value VectorBuilder::floor(Value x) {
  return math::FloorOp::create(builder, x);
}
Value VectorBuilder::round(Value x) {
  return math::RoundEvenOp::create(builder, x);
}
Value VectorBuilder::polynomial(Value x, llvm::ArrayRef<double> coefficients) {
  Value sum = real(coefficients.front());
  for (double coefficient : coefficients.drop_front())
    sum = fma(sum, x, real(coefficient));
  return sum;
}

// i32 and i64 lanes
Value VectorBuilder::addi(Value x, Value y) {
  return arith::AddIOp::create(builder, x, y);
}
Value VectorBuilder::subi(Value x, Value y) {
  return arith::SubIOp::create(builder, x, y);
}
Value VectorBuilder::muli(Value x, Value y) {
  return arith::MulIOp::create(builder, x, y);
}
Value VectorBuilder::remu(Value x, Value y) {
  return arith::RemUIOp::create(builder, x, y);
}
Value VectorBuilder::andi(Value x, Value y) {
  return arith::AndIOp::create(builder, x, y);
}
Value VectorBuilder::ori(Value x, Value y) {
  return arith::OrIOp::create(builder, x, y);
}
Value VectorBuilder::xori(Value x, Value y) {
  return arith::XOrIOp::create(builder, x, y);
}

// the shift distance in every lane, of x's element type
static Value distance(VectorBuilder &v, Value x, int32_t bits) {
  bool wide = mlir::getElementTypeOrSelf(x.getType()).isInteger(64);
  return wide ? v.count(bits) : v.integer(bits);
}
Value VectorBuilder::shl(Value x, int32_t bits) {
  return arith::ShLIOp::create(builder, x, distance(*this, x, bits));
}
Value VectorBuilder::shr(Value x, int32_t bits) {
  return arith::ShRUIOp::create(builder, x, distance(*this, x, bits));
}
Value VectorBuilder::sar(Value x, int32_t bits) {
  return arith::ShRSIOp::create(builder, x, distance(*this, x, bits));
}
Value VectorBuilder::rotl(Value x, int32_t bits) {
  int32_t width =
      mlir::getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
  return ori(shl(x, bits), shr(x, width - bits));
}

// conversions and choices
Value VectorBuilder::compare(Order order, Value x, Value y) {
  static constexpr arith::CmpFPredicate predicates[] = {
      arith::CmpFPredicate::OLT, arith::CmpFPredicate::OLE,
      arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE,
      arith::CmpFPredicate::OEQ, arith::CmpFPredicate::UNE};
  return arith::CmpFOp::create(builder, predicates[int(order)], x, y);
}
Value VectorBuilder::comparei(Order order, Value x, Value y) {
  static constexpr arith::CmpIPredicate predicates[] = {
      arith::CmpIPredicate::ult, arith::CmpIPredicate::ule,
      arith::CmpIPredicate::ugt, arith::CmpIPredicate::uge,
      arith::CmpIPredicate::eq,  arith::CmpIPredicate::ne};
  return arith::CmpIOp::create(builder, predicates[int(order)], x, y);
}
Value VectorBuilder::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(builder, condition, x, y);
}
Value VectorBuilder::bitsToReal(Value x) {
  return arith::BitcastOp::create(builder, vectorOf(builder.getF32Type()), x);
}
Value VectorBuilder::realToBits(Value x) {
  return arith::BitcastOp::create(builder, vectorOf(builder.getI32Type()), x);
}
Value VectorBuilder::toReal(Value x) {
  if (mlir::getElementTypeOrSelf(x.getType()).isF32())
    return x;
  return arith::UIToFPOp::create(builder, vectorOf(builder.getF32Type()), x);
}
Value VectorBuilder::signedToReal(Value x) {
  return arith::SIToFPOp::create(builder, vectorOf(builder.getF32Type()), x);
}
Value VectorBuilder::toInteger(Value x, mlir::Type element) {
  mlir::Type from = mlir::getElementTypeOrSelf(x.getType());
  mlir::Type type = vectorOf(element);
  if (from == element)
    return x;
  if (from.isF32()) {
    if (element.isInteger(1))
      return compare(Order::ne, x, real(0));
    // NaN fails the comparison; out of range fptoui is undefined
    Value most = real(element.isInteger(32) ? 0x1.fffffep31 : 0x1.fffffep63);
    Value held = select(compare(Order::gt, x, real(0)), min(x, most), real(0));
    return arith::FPToUIOp::create(builder, type, held);
  }
  if (element.isInteger(1))
    return comparei(Order::ne, x, from.isInteger(64) ? count(0) : integer(0));
  if (from.getIntOrFloatBitWidth() > element.getIntOrFloatBitWidth())
    return arith::TruncIOp::create(builder, type, x);
  return arith::ExtUIOp::create(builder, type, x);
}

} // namespace phlox
