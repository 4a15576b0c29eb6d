#include "dsl/tensor.h"
#include "dsl/trace.h"

namespace phlox {

#include "dsl/ops.cpp.inc"

namespace {

Extents normalize(const Tensor &x, const Axes &axes, std::string_view name,
                  std::source_location at) {
  Extents result = axes.values;
  for (int64_t &axis : result) {
    if (axis < -x.rank() || axis >= x.rank())
      throw Error(at, "[reduce_c1] " + std::string(name) +
                          ": axis must be in [-" + std::to_string(x.rank()) +
                          ", " + std::to_string(x.rank()) + "): got " +
                          std::to_string(axis) + " for " +
                          formatShape(shapeOf(x.value())));
    axis += axis < 0 ? x.rank() : 0;
  }
  return result;
}

const Tensor &demand_tensor(const Operand &x, std::string_view name,
                            std::source_location at) {
  if (x.is_number())
    throw Error(at, std::string(name) + ": operand must be a tensor: got a "
                                        "number");
  return x.tensor;
}

Tensor reduce_some(Reduction kind, const Operand &x, const Axes &axes,
                   std::string_view name, std::source_location at) {
  return reduce(kind, x, normalize(demand_tensor(x, name, at), axes, name, at),
                at);
}

Tensor reduce_all(Reduction kind, const Operand &x, std::string_view name,
                  std::source_location at) {
  Extents axes(demand_tensor(x, name, at).rank());
  for (size_t i = 0; i < axes.size(); ++i)
    axes[i] = static_cast<int64_t>(i);
  return reduce(kind, x, axes, at);
}

} // namespace

Extents Tensor::shape() const { return shapeOf(value_).vec(); }
int64_t Tensor::rank() const { return tensorType(value_).getRank(); }

int64_t Tensor::extent(int64_t axis, std::source_location at) const {
  if (axis < -rank() || axis >= rank())
    throw Error(at, "axis must be in [-" + std::to_string(rank()) + ", " +
                        std::to_string(rank()) + "): got " +
                        std::to_string(axis));
  return shapeOf(value_)[axis < 0 ? axis + rank() : axis];
}

Element Tensor::element() const {
  mlir::Type type = tensorType(value_).getElementType();
  return type.isF32()         ? Element::real
         : type.isInteger(32) ? Element::index
         : type.isInteger(64) ? Element::count
                              : Element::truth;
}

Tensor operator+(const Operand &lhs, const Operand &rhs) {
  return add(lhs, rhs, lhs.at);
}
Tensor operator-(const Operand &lhs, const Operand &rhs) {
  return sub(lhs, rhs, lhs.at);
}
Tensor operator*(const Operand &lhs, const Operand &rhs) {
  return mul(lhs, rhs, lhs.at);
}
Tensor operator/(const Operand &lhs, const Operand &rhs) {
  return div(lhs, rhs, lhs.at);
}
Tensor operator-(const Operand &x) { return neg(x, x.at); }
Tensor operator<(const Operand &lhs, const Operand &rhs) {
  return compare(Comparison::lt, lhs, rhs, lhs.at);
}
Tensor operator<=(const Operand &lhs, const Operand &rhs) {
  return compare(Comparison::le, lhs, rhs, lhs.at);
}
Tensor operator>(const Operand &lhs, const Operand &rhs) {
  return compare(Comparison::gt, lhs, rhs, lhs.at);
}
Tensor operator>=(const Operand &lhs, const Operand &rhs) {
  return compare(Comparison::ge, lhs, rhs, lhs.at);
}

Tensor sum(const Operand &x, std::source_location at) {
  return reduce_all(Reduction::sum, x, "sum", at);
}
Tensor sum(const Operand &x, const Axes &axes, std::source_location at) {
  return reduce_some(Reduction::sum, x, axes, "sum", at);
}
Tensor mean(const Operand &x, std::source_location at) {
  return reduce_all(Reduction::mean, x, "mean", at);
}
Tensor mean(const Operand &x, const Axes &axes, std::source_location at) {
  return reduce_some(Reduction::mean, x, axes, "mean", at);
}
Tensor amax(const Operand &x, const Axes &axes, std::source_location at) {
  return reduce_some(Reduction::max, x, axes, "amax", at);
}
Tensor amin(const Operand &x, const Axes &axes, std::source_location at) {
  return reduce_some(Reduction::min, x, axes, "amin", at);
}

Tensor ess(const Operand &weights, std::source_location at) {
  return reciprocal(sum(square(weights, at), -1, at), at);
}

Tensor clip(const Operand &x, const Operand &low, const Operand &high,
            std::source_location at) {
  return min(max(x, low, at), high, at);
}

Tensor convert(const Operand &x, Element element, std::source_location at) {
  if (!x.is_number() && x.tensor.element() == element)
    return x.tensor;
  Call call("convert", at);
  call.operand(x, Element::any);
  call.resolve();
  mlir::OperationState state(call.trace().location(at),
                             ConvertOp::getOperationName());
  mlir::Value value = call.value();
  state.addOperands(value);
  state.addTypes(tensorType(value).clone(mlir_type(call.context(), element)));
  return call.insert(state);
}

Tensor fill(const Tensor &like, const Extents &shape, double number,
            std::source_location at) {
  Trace &trace = like.trace();
  trace.demand_open(at);
  mlir::Type element = tensorType(like.value()).getElementType();
  mlir::Attribute value;
  if (element.isF32())
    value = trace.builder.getFloatAttr(element, static_cast<float>(number));
  else
    value = trace.builder.getIntegerAttr(element, static_cast<int64_t>(number));
  auto type = mlir::RankedTensorType::get(shape, element);
  return Tensor(ConstantOp::create(trace.builder, trace.location(at),
                                   mlir::DenseElementsAttr::get(type, value)),
                &trace);
}

Tensor constant(Trace &trace, const Extents &shape,
                std::span<const float> numbers, std::source_location at) {
  trace.demand_open(at);
  auto type = mlir::RankedTensorType::get(
      shape, mlir_type(trace.context(), Element::real));
  if (type.getNumElements() != static_cast<int64_t>(numbers.size()))
    throw Error(at, "constant of shape " + formatShape(shape) + " must have " +
                        std::to_string(type.getNumElements()) +
                        " numbers: got " + std::to_string(numbers.size()));
  return Tensor(
      ConstantOp::create(trace.builder, trace.location(at),
                         mlir::DenseElementsAttr::get(
                             type, ArrayRef(numbers.data(), numbers.size()))),
      &trace);
}

Tensor iota(Trace &trace, const Extents &shape, int64_t axis, Element element,
            std::source_location at) {
  trace.demand_open(at);
  auto type =
      mlir::RankedTensorType::get(shape, mlir_type(trace.context(), element));
  if (axis < 0 || axis >= type.getRank())
    throw Error(at, "[iota_c1] axis must be in [0, " +
                        std::to_string(type.getRank()) + "): got " +
                        std::to_string(axis));
  return Tensor(IotaOp::create(trace.builder, trace.location(at), type, axis),
                &trace);
}

Tensor one_hot(const Tensor &index, int64_t count, std::source_location at) {
  Extents shape = index.shape();
  shape.push_back(count);
  Tensor places =
      iota(index.trace(), shape, static_cast<int64_t>(shape.size()) - 1,
           index.element(), at);
  return convert(
      compare(Comparison::eq, expand(index, index.rank(), at), places, at),
      Element::real, at);
}

Tensor linear(const Operand &x, const Operand &weight, const Operand &bias,
              std::source_location at) {
  const Tensor &rows = demand_tensor(x, "linear", at);
  if (rows.rank() == 2)
    return add(matmul(x, weight, at), bias, at);
  if (rows.rank() < 1)
    throw Error(at, "linear: x must have rank 1 or more: got ()");
  // all leading axes are rows of one matrix
  Extents shape = rows.shape();
  int64_t count = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i)
    count *= shape[i];
  Tensor flat = reshape(x, {count, shape.back()}, at);
  Tensor result = add(matmul(flat, weight, at), bias, at);
  shape.back() = result.extent(-1);
  return reshape(result, shape, at);
}

} // namespace phlox
