#include "compiler/interpreter/Evaluation.h"
#include <algorithm>

namespace phlox {

HostTensor::HostTensor(RankedTensorType type) : type(type) {
  if (isReal())
    reals.resize(size());
  else
    counts.resize(size());
}

HostTensor::HostTensor(mlir::DenseElementsAttr elements)
    : HostTensor(mlir::cast<RankedTensorType>(elements.getType())) {
  size_t i = 0;
  if (isReal())
    for (const llvm::APFloat &x : elements.getValues<llvm::APFloat>())
      reals[i++] = x.convertToFloat();
  else
    for (const llvm::APInt &x : elements.getValues<llvm::APInt>())
      counts[i++] = x.getZExtValue();
}

Evaluation::Evaluation(mlir::Operation *op,
                       ArrayRef<const HostTensor *> operands, Runner runner)
    : operands(operands.begin(), operands.end()), runner(std::move(runner)) {
  for (mlir::Type type : op->getResultTypes())
    results.emplace_back(mlir::cast<RankedTensorType>(type));
}

void Evaluation::pointwise(llvm::function_ref<double(double)> f) {
  const std::vector<double> &x = operand(0).reals;
  std::vector<double> &y = result().reals;
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = f(x[i]);
}

void Evaluation::pointwise(llvm::function_ref<double(double, double)> f) {
  const std::vector<double> &x = operand(0).reals, &y = operand(1).reals;
  std::vector<double> &z = result().reals;
  for (size_t i = 0; i < z.size(); ++i)
    z[i] = f(x[i], y[i]);
}

SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

void forEachIndex(ArrayRef<int64_t> shape,
                  llvm::function_ref<void(ArrayRef<int64_t>)> f) {
  SmallVector<int64_t> index(shape.size());
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  for (; count > 0; --count) {
    f(index);
    for (size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis])
        break;
      index[axis] = 0;
    }
  }
}

void forEachOffset(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides,
                   int64_t offset,
                   llvm::function_ref<void(int64_t, int64_t)> f) {
  int64_t i = 0;
  if (shape.empty())
    return f(0, offset);
  // the last axis runs in a plain loop
  int64_t extent = shape.back(), stride = strides.back();
  forEachIndex(shape.drop_back(), [&](ArrayRef<int64_t> index) {
    int64_t start = offset;
    for (size_t axis = 0; axis < index.size(); ++axis)
      start += index[axis] * strides[axis];
    for (int64_t k = 0; k < extent; ++k)
      f(i++, start + k * stride);
  });
}

template <class Element>
static void gatherStrided(const std::vector<Element> &x,
                          std::vector<Element> &result, ArrayRef<int64_t> shape,
                          ArrayRef<int64_t> strides, int64_t offset) {
  forEachOffset(shape, strides, offset,
                [&](int64_t i, int64_t from) { result[i] = x[from]; });
}

void evalStrided(Evaluation &evaluation, ArrayRef<int64_t> strides,
                 int64_t offset) {
  const HostTensor &x = evaluation.operand(0);
  HostTensor &result = evaluation.result();
  if (x.isReal())
    gatherStrided(x.reals, result.reals, result.shape(), strides, offset);
  else
    gatherStrided(x.counts, result.counts, result.shape(), strides, offset);
}

void copyElements(const HostTensor &from, int64_t start, HostTensor &to,
                  int64_t toStart, int64_t count) {
  if (from.isReal())
    std::copy_n(from.reals.begin() + start, count, to.reals.begin() + toStart);
  else
    std::copy_n(from.counts.begin() + start, count,
                to.counts.begin() + toStart);
}

} // namespace phlox
