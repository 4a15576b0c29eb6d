// How an element-wise op states its rules: one row of functions, and a macro
// that turns the row into the interface's methods.
#pragma once
#include "compiler/codegen/Lowering.h"
#include "compiler/interpreter/Evaluation.h"
#include "compiler/ops/Batch.h"

namespace phlox {

/// Rules of y = f(x).
struct Unary {
  double (*eval)(double x);
  /// Emits direction * f'(x); a null function says that f' is 0 where it is.
  Value (*push)(Graph &g, Value x, Value y, Value direction);
  Value (*lower)(VectorBuilder &v, Value x);
};

/// Rules of z = f(x, y), both partial derivatives among them.
struct Binary {
  double (*eval)(double x, double y);
  Value (*pushLeft)(Graph &g, Value x, Value y, Value z, Value direction);
  Value (*pushRight)(Graph &g, Value x, Value y, Value z, Value direction);
  Value (*lower)(VectorBuilder &v, Value x, Value y);
};

/// Scalar functions in f64 that the standard library lacks, good to 1e-14.
double quantileOf(double probability);
double truncQuantileOf(double u, double lower, double upper);
double erfinvOf(double x);

} // namespace phlox

// An element-wise slope is a diagonal matrix: jvp and vjp are one product.
#define PHLOX_UNARY(OP, ROW)                                                   \
  PHLOX_BATCH_SAME(OP)                                                         \
  void OP::eval(Evaluation &evaluation) { evaluation.pointwise((ROW).eval); }  \
  SmallVector<Value> OP::jvp(Graph &g, ArrayRef<Value> tangents) {             \
    if (!tangents[0] || !(ROW).push)                                           \
      return {Value()};                                                        \
    return {(ROW).push(g, getX(), getResult(), tangents[0])};                  \
  }                                                                            \
  SmallVector<Value> OP::vjp(Graph &g, ArrayRef<Value> cotangents,             \
                             ArrayRef<bool>) {                                 \
    return jvp(g, cotangents);                                                 \
  }                                                                            \
  void OP::lower(Lowering &lowering) {                                         \
    lowering.pointwise([](VectorBuilder &v, ArrayRef<Value> operands) {        \
      return (ROW).lower(v, operands[0]);                                      \
    });                                                                        \
  }

#define PHLOX_BINARY(OP, ROW)                                                  \
  PHLOX_BATCH_SAME(OP)                                                         \
  void OP::eval(Evaluation &evaluation) { evaluation.pointwise((ROW).eval); }  \
  SmallVector<Value> OP::jvp(Graph &g, ArrayRef<Value> tangents) {             \
    Value x = getLhs(), y = getRhs(), z = getResult(), left, right;            \
    if (tangents[0])                                                           \
      left = (ROW).pushLeft(g, x, y, z, tangents[0]);                          \
    if (tangents[1])                                                           \
      right = (ROW).pushRight(g, x, y, z, tangents[1]);                        \
    return {g.accumulate(left, right)};                                        \
  }                                                                            \
  SmallVector<Value> OP::vjp(Graph &g, ArrayRef<Value> cotangents,             \
                             ArrayRef<bool> needed) {                          \
    Value x = getLhs(), y = getRhs(), z = getResult(), left, right;            \
    if (cotangents[0] && needed[0])                                            \
      left = (ROW).pushLeft(g, x, y, z, cotangents[0]);                        \
    if (cotangents[0] && needed[1])                                            \
      right = (ROW).pushRight(g, x, y, z, cotangents[0]);                      \
    return {left, right};                                                      \
  }                                                                            \
  void OP::lower(Lowering &lowering) {                                         \
    lowering.pointwise([](VectorBuilder &v, ArrayRef<Value> operands) {        \
      return (ROW).lower(v, operands[0], operands[1]);                         \
    });                                                                        \
  }

// Ops on counters and truth carry no derivative.
#define PHLOX_NO_DERIVATIVE(OP)                                                \
  SmallVector<Value> OP::jvp(Graph &, ArrayRef<Value>) { return {Value()}; }   \
  SmallVector<Value> OP::vjp(Graph &, ArrayRef<Value>, ArrayRef<bool>) {       \
    return SmallVector<Value>((*this)->getNumOperands());                      \
  }
