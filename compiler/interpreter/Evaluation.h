// What an op's `eval` works on: dense tensors in f64 and 64-bit counts.
#pragma once
#include "compiler/dialect/Phlox.h"
#include <cstdint>
#include <functional>
#include <vector>

namespace phlox {

/// A dense row-major tensor on the host. f32 elements live in `reals` as f64;
/// i64, i32 and i1 elements in `counts`, zero-extended. One of them is empty.
struct HostTensor {
  HostTensor() = default;
  /// Zeros of a type.
  explicit HostTensor(RankedTensorType type);
  /// The elements of a constant; f32 stay rounded to f32.
  explicit HostTensor(mlir::DenseElementsAttr elements);

  RankedTensorType type;
  std::vector<double> reals;
  std::vector<uint64_t> counts;

  bool isReal() const { return type.getElementType().isF32(); }
  int64_t size() const { return type.getNumElements(); }
  ArrayRef<int64_t> shape() const { return type.getShape(); }
};

/// The operands, results and region runner of one op being evaluated.
class Evaluation {
public:
  using Runner = std::function<std::vector<HostTensor>(
      mlir::Block &, std::vector<HostTensor>)>;
  Evaluation(mlir::Operation *op, ArrayRef<const HostTensor *> operands,
             Runner runner);

  const HostTensor &operand(unsigned i) const { return *operands[i]; }
  /// The i-th result, zero until written.
  HostTensor &result(unsigned i = 0) { return results[i]; }
  std::vector<HostTensor> takeResults() { return std::move(results); }
  /// Runs a block of a region on arguments and returns what it yields.
  std::vector<HostTensor> runBlock(mlir::Block &block,
                                   std::vector<HostTensor> arguments) {
    return runner(block, std::move(arguments));
  }
  /// result 0 = f(operand 0, ...) element by element, all real.
  void pointwise(llvm::function_ref<double(double)> f);
  void pointwise(llvm::function_ref<double(double, double)> f);

private:
  std::vector<const HostTensor *> operands;
  std::vector<HostTensor> results;
  Runner runner;
};

/// Row-major strides of a shape.
SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape);
/// Calls f for every index of a shape, in row-major order.
void forEachIndex(ArrayRef<int64_t> shape,
                  llvm::function_ref<void(ArrayRef<int64_t>)> f);
/// Calls f(i, offset + sum_a index[a] strides[a]) for every index of a shape, i
/// being its row-major number.
void forEachOffset(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides,
                   int64_t offset,
                   llvm::function_ref<void(int64_t, int64_t)> f);
/// result[i] = operand 0 [offset + sum_a index[a] strides[a]], reals and counts
/// alike.
void evalStrided(Evaluation &evaluation, ArrayRef<int64_t> strides,
                 int64_t offset = 0);
/// Copies `count` elements, reals and counts alike.
void copyElements(const HostTensor &from, int64_t start, HostTensor &to,
                  int64_t toStart, int64_t count);

} // namespace phlox
