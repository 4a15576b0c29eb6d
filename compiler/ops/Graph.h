// What derivative rules build with: ops at one insertion point and location.
#pragma once
#include "compiler/dialect/Phlox.h"

namespace phlox {

/// Emits ops whose result types are inferred. Callers guarantee valid shapes;
/// user input is checked before (dsl/trace.h).
class Graph : public mlir::OpBuilder {
public:
  Graph(const mlir::OpBuilder &builder, mlir::Location location)
      : mlir::OpBuilder(builder), location(location) {}

  template <class Op, class... Args> Value make(Args &&...args) {
    return Op::create(*this, location, std::forward<Args>(args)...)
        ->getResult(0);
  }
  Value add(Value x, Value y) { return make<AddOp>(x, y); }
  Value sub(Value x, Value y) { return make<SubOp>(x, y); }
  Value mul(Value x, Value y) { return make<MulOp>(x, y); }
  Value div(Value x, Value y) { return make<DivOp>(x, y); }
  Value neg(Value x) { return make<NegOp>(x); }
  Value exp(Value x) { return make<ExpOp>(x); }
  Value log(Value x) { return make<LogOp>(x); }
  Value square(Value x) { return make<SquareOp>(x); }
  Value reciprocal(Value x) { return make<ReciprocalOp>(x); }
  Value minimum(Value x, Value y) { return make<MinOp>(x, y); }
  Value maximum(Value x, Value y) { return make<MaxOp>(x, y); }
  Value compare(Comparison direction, Value x, Value y) {
    return make<CompareOp>(direction, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return make<SelectOp>(condition, x, y);
  }
  Value sum(Value x, ArrayRef<int64_t> axes) {
    return make<ReduceOp>(Reduction::sum, x, axes);
  }
  Value reshape(Value x, ArrayRef<int64_t> shape) {
    return make<ReshapeOp>(x, shape);
  }
  Value broadcast(Value x, ArrayRef<int64_t> shape) {
    return make<BroadcastOp>(x, shape);
  }
  /// Swaps the last two axes.
  Value transposeLast(Value x);
  /// Puts a reduced axis back with unit extent, then repeats it: the transpose
  /// of a reduction over `axes` of `shape`.
  Value unreduce(Value x, ArrayRef<int64_t> axes, ArrayRef<int64_t> shape);
  /// Makes an f32 constant with the shape of `like`, all elements `number`.
  Value constant(double number, Value like);
  /// Scales by a number.
  Value scale(Value x, double number) { return mul(x, constant(number, x)); }
  /// Adds a number.
  Value shift(Value x, double number) { return add(x, constant(number, x)); }
  /// Makes zeros of a type.
  Value zeros(RankedTensorType type);
  /// Adds two cotangents, either of which may be null.
  Value accumulate(Value x, Value y) { return !x ? y : !y ? x : add(x, y); }

  mlir::Location location;
};

} // namespace phlox
