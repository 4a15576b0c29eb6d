// Emits the body of one kernel: loops, addresses, loads and stores.
#pragma once
#include "compiler/codegen/VectorBuilder.h"
#include "compiler/dialect/Phlox.h"
#include <functional>

namespace phlox {

/// Sits inside `void kernel(call, loops, task)`. Indices are i64 values; memory
/// is a byte address (llvm.ptr) plus an element index.
class KernelBuilder {
public:
  KernelBuilder(mlir::ImplicitLocOpBuilder &builder, int64_t lanes)
      : b(builder), lanes(lanes) {}

  mlir::ImplicitLocOpBuilder &b;
  const int64_t lanes; ///< of a full vector register, f32

  // operands and result of an own kernel: dense, row-major
  SmallVector<Value> operands;
  SmallVector<RankedTensorType> operandTypes;
  Value result;
  RankedTensorType resultType;

  Value i64(int64_t number);
  Value add(Value x, Value y);
  Value add(Value x, int64_t y);
  Value mul(Value x, int64_t y);
  Value less(Value x, Value y);

  /// for (i = from; i < to; i += step) body(i)
  void loop(Value from, Value to, int64_t step,
            llvm::function_ref<void(Value)> body);
  void loop(int64_t from, int64_t to, int64_t step,
            llvm::function_ref<void(Value)> body) {
    loop(i64(from), i64(to), step, body);
  }
  /// The same with values handed on; returns the last ones.
  SmallVector<Value> loopCarrying(
      Value from, Value to, int64_t step, mlir::ValueRange inits,
      llvm::function_ref<SmallVector<Value>(Value, mlir::ValueRange)> body);
  void when(Value condition, llvm::function_ref<void()> body);

  /// Runs over vectors of one axis: full vectors for [0, extent), then one
  /// narrower tail. `body` gets the first index and the number of lanes.
  void vectors(int64_t extent, llvm::function_ref<void(Value, int64_t)> body);

  /// Address of an element: base + index * bytes of the element type.
  Value address(Value base, Value index, mlir::Type element);
  /// Loads `width` neighbours, `stride` elements apart (0: one, repeated), as
  /// vector<width x element>; i1 is a byte in memory.
  Value load(Value base, Value index, mlir::Type element, int64_t width,
             int64_t stride = 1);
  void store(Value vector, Value base, Value index, int64_t stride = 1);
  /// Loads one element as a scalar.
  Value loadScalar(Value base, Value index, mlir::Type element);
  void storeScalar(Value scalar, Value base, Value index);
  /// Joins all lanes by a fixed tree; returns a scalar.
  Value
  horizontal(Value vector,
             llvm::function_ref<Value(VectorBuilder &, Value, Value)> join);
  /// First index of task `task` out of `tasks` over `count` items.
  Value taskBegin(Value task, int64_t tasks, int64_t count);
};

} // namespace phlox
