// Rules of the element-wise ops on truth, counters and element types.
#include "compiler/ops/PointwiseTable.h"
#include <cmath>

namespace phlox {
namespace {

using V = VectorBuilder;
using Types = llvm::SmallVectorImpl<mlir::Type>;
using Where = std::optional<mlir::Location>;

template <class Number> bool holds(Comparison direction, Number x, Number y) {
  switch (direction) {
  case Comparison::lt:
    return x < y;
  case Comparison::le:
    return x <= y;
  case Comparison::gt:
    return x > y;
  case Comparison::ge:
    return x >= y;
  case Comparison::eq:
    return x == y;
  case Comparison::ne:
    return x != y;
  }
  return false;
}

V::Order orderOf(Comparison direction) {
  switch (direction) {
  case Comparison::lt:
    return V::Order::lt;
  case Comparison::le:
    return V::Order::le;
  case Comparison::gt:
    return V::Order::gt;
  case Comparison::ge:
    return V::Order::ge;
  case Comparison::eq:
    return V::Order::eq;
  case Comparison::ne:
    return V::Order::ne;
  }
  return V::Order::ne;
}

// what a message says of a value: f32 256x17
std::string describe(Value value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << tensorType(value).getElementType() << ' '
     << formatShape(shapeOf(value));
  return text;
}

RankedTensorType withElement(Value like, mlir::Type element) {
  return RankedTensorType::get(shapeOf(like), element);
}

template <class Function>
void evalCounts(Evaluation &evaluation, Function function) {
  const HostTensor &x = evaluation.operand(0), &y = evaluation.operand(1);
  HostTensor &result = evaluation.result();
  for (size_t i = 0; i < result.counts.size(); ++i)
    result.counts[i] = function(x.counts[i], y.counts[i]);
}

} // namespace

// logical and, or
PHLOX_NO_DERIVATIVE(LogicalAndOp)
PHLOX_NO_DERIVATIVE(LogicalOrOp)
PHLOX_BATCH_SAME(LogicalAndOp)
PHLOX_BATCH_SAME(LogicalOrOp)
void LogicalAndOp::eval(Evaluation &evaluation) {
  evalCounts(evaluation, [](uint64_t x, uint64_t y) { return x & y; });
}
void LogicalOrOp::eval(Evaluation &evaluation) {
  evalCounts(evaluation, [](uint64_t x, uint64_t y) { return x | y; });
}
void LogicalAndOp::lower(Lowering &lowering) {
  lowering.pointwise(
      [](V &v, ArrayRef<Value> in) { return v.andi(in[0], in[1]); });
}
void LogicalOrOp::lower(Lowering &lowering) {
  lowering.pointwise(
      [](V &v, ArrayRef<Value> in) { return v.ori(in[0], in[1]); });
}

// compare
PHLOX_NO_DERIVATIVE(CompareOp)
PHLOX_BATCH_SAME(CompareOp)
mlir::LogicalResult CompareOp::inferReturnTypes(mlir::MLIRContext *context,
                                                Where where, Adaptor adaptor,
                                                Types &types) {
  Value lhs = adaptor.getLhs(), rhs = adaptor.getRhs();
  if (lhs.getType() != rhs.getType())
    return mlir::emitOptionalError(where, "[compare_c1] lhs and rhs must have ",
                                   "one type: lhs ", describe(lhs), ", rhs ",
                                   describe(rhs));
  types.push_back(withElement(lhs, mlir::IntegerType::get(context, 1)));
  return mlir::success();
}
void CompareOp::eval(Evaluation &evaluation) {
  Comparison direction = getDirection();
  const HostTensor &x = evaluation.operand(0), &y = evaluation.operand(1);
  HostTensor &result = evaluation.result();
  for (size_t i = 0; i < result.counts.size(); ++i)
    result.counts[i] = x.isReal() ? holds(direction, x.reals[i], y.reals[i])
                                  : holds(direction, x.counts[i], y.counts[i]);
}
void CompareOp::lower(Lowering &lowering) {
  V::Order order = orderOf(getDirection());
  bool real = tensorType(getLhs()).getElementType().isF32();
  lowering.pointwise([=](V &v, ArrayRef<Value> in) {
    return real ? v.compare(order, in[0], in[1])
                : v.comparei(order, in[0], in[1]);
  });
}

// isfinite
PHLOX_NO_DERIVATIVE(IsFiniteOp)
PHLOX_BATCH_SAME(IsFiniteOp)
mlir::LogicalResult IsFiniteOp::inferReturnTypes(mlir::MLIRContext *context,
                                                 Where, Adaptor adaptor,
                                                 Types &types) {
  types.push_back(
      withElement(adaptor.getX(), mlir::IntegerType::get(context, 1)));
  return mlir::success();
}
void IsFiniteOp::eval(Evaluation &evaluation) {
  const HostTensor &x = evaluation.operand(0);
  HostTensor &result = evaluation.result();
  for (size_t i = 0; i < result.counts.size(); ++i)
    result.counts[i] = std::isfinite(x.reals[i]);
}
void IsFiniteOp::lower(Lowering &lowering) {
  lowering.pointwise([](V &v, ArrayRef<Value> in) {
    return v.compare(V::Order::lt, v.abs(in[0]), v.real(INFINITY));
  });
}

// select
PHLOX_BATCH_SAME(SelectOp)
mlir::LogicalResult SelectOp::inferReturnTypes(mlir::MLIRContext *, Where where,
                                               Adaptor adaptor, Types &types) {
  Value condition = adaptor.getCondition(), onTrue = adaptor.getOnTrue(),
        onFalse = adaptor.getOnFalse();
  if (onTrue.getType() != onFalse.getType())
    return mlir::emitOptionalError(
        where, "[select_c1] on_true and on_false must have one type: on_true ",
        describe(onTrue), ", on_false ", describe(onFalse));
  if (shapeOf(condition) != shapeOf(onTrue))
    return mlir::emitOptionalError(
        where,
        "[select_c2] condition must have the shape of on_true: ", "condition ",
        formatShape(shapeOf(condition)), ", on_true ",
        formatShape(shapeOf(onTrue)));
  types.push_back(onTrue.getType());
  return mlir::success();
}
void SelectOp::eval(Evaluation &evaluation) {
  const HostTensor &condition = evaluation.operand(0);
  HostTensor &result = evaluation.result();
  for (size_t i = 0; i < condition.counts.size(); ++i) {
    const HostTensor &taken = evaluation.operand(condition.counts[i] ? 1 : 2);
    if (result.isReal())
      result.reals[i] = taken.reals[i];
    else
      result.counts[i] = taken.counts[i];
  }
}
SmallVector<Value> SelectOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  if (!tangents[1] && !tangents[2])
    return {Value()};
  auto orZero = [&](Value tangent) {
    return tangent ? tangent : g.constant(0, getResult());
  };
  return {g.select(getCondition(), orZero(tangents[1]), orZero(tangents[2]))};
}
SmallVector<Value> SelectOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                                 ArrayRef<bool> needed) {
  SmallVector<Value> result(3);
  Value cotangent = cotangents[0];
  if (!cotangent)
    return result;
  if (needed[1])
    result[1] = g.select(getCondition(), cotangent, g.constant(0, cotangent));
  if (needed[2])
    result[2] = g.select(getCondition(), g.constant(0, cotangent), cotangent);
  return result;
}
void SelectOp::lower(Lowering &lowering) {
  lowering.pointwise(
      [](V &v, ArrayRef<Value> in) { return v.select(in[0], in[1], in[2]); });
}

// counters
PHLOX_NO_DERIVATIVE(CountAddOp)
PHLOX_NO_DERIVATIVE(CountRemOp)
PHLOX_BATCH_SAME(CountAddOp)
PHLOX_BATCH_SAME(CountRemOp)
void CountAddOp::eval(Evaluation &evaluation) {
  evalCounts(evaluation, [](uint64_t x, uint64_t y) { return x + y; });
}
void CountRemOp::eval(Evaluation &evaluation) {
  evalCounts(evaluation, [](uint64_t x, uint64_t y) { return y ? x % y : 0; });
}
void CountAddOp::lower(Lowering &lowering) {
  lowering.pointwise(
      [](V &v, ArrayRef<Value> in) { return v.addi(in[0], in[1]); });
}
// the remainder by 1 is 0 too; the machine's division by 0 would trap
void CountRemOp::lower(Lowering &lowering) {
  lowering.pointwise([](V &v, ArrayRef<Value> in) {
    Value none = v.comparei(V::Order::eq, in[1], v.count(0));
    return v.remu(in[0], v.select(none, v.count(1), in[1]));
  });
}

} // namespace phlox
