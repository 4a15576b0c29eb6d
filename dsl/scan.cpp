#include "dsl/control.h"
#include "dsl/trace.h"

namespace phlox {
namespace {

using Types = SmallVector<mlir::Type>;

mlir::Type row_type(mlir::Value value) {
  auto type = tensorType(value);
  return type.clone(type.getShape().drop_front());
}

mlir::Type stacked_type(mlir::Value value, int64_t length) {
  auto type = tensorType(value);
  SmallVector<int64_t> shape{length};
  llvm::append_range(shape, type.getShape());
  return type.clone(shape);
}

// What every step of a scan must be given and give.
void check_xs(int64_t length, const std::vector<mlir::Value> &xs,
              std::source_location at) {
  if (length < 1)
    throw Error(at, "[scan_c1] length must be 1 or more: got " +
                        std::to_string(length));
  for (mlir::Value x : xs)
    if (shapeOf(x).empty() || shapeOf(x)[0] != length)
      throw Error(at, "[scan_c2] leading extent of xs must be " +
                          std::to_string(length) + ": got " +
                          formatShape(shapeOf(x)));
}

void check_carries(const std::vector<mlir::Value> &inits,
                   const std::vector<mlir::Value> &carries,
                   std::source_location at) {
  if (inits.size() != carries.size())
    throw Error(at, "[scan_c3] body must return " +
                        std::to_string(inits.size()) + " carries: got " +
                        std::to_string(carries.size()));
  for (size_t i = 0; i < inits.size(); ++i)
    if (inits[i].getType() != carries[i].getType())
      throw Error(at, "[scan_c3] carry " + std::to_string(i) + " must be " +
                          formatShape(shapeOf(inits[i])) +
                          " as its init: got " +
                          formatShape(shapeOf(carries[i])));
}

// the tensor with its first axes cut otherwise
Tensor lead(const Tensor &x, Extents leading, int64_t replaced,
            std::source_location at) {
  Extents shape = x.shape();
  leading.insert(leading.end(), shape.begin() + replaced, shape.end());
  return reshape(x, leading, at);
}

Tensor steps_of(const Tensor &x, int64_t from, int64_t count,
                std::source_location at) {
  Extents start(x.shape().size(), 0), size = x.shape();
  start[0] = from;
  size[0] = count;
  return slice(x, start, size, at);
}

} // namespace

ScanStep scan(int64_t length, const std::vector<Tensor> &inits,
              const std::vector<Tensor> &xs,
              const std::function<ScanStep(const std::vector<Tensor> &,
                                           const std::vector<Tensor> &)> &body,
              bool reverse, std::source_location at) {
  if (inits.empty() && xs.empty())
    throw Error(at, "scan: inits or xs must hold a tensor: got none");
  Trace &trace = (inits.empty() ? xs : inits).front().trace();
  trace.demand_open(at);
  auto init_values = resolve_all(trace, "scan", inits, at);
  auto xs_values = resolve_all(trace, "scan", xs, at);
  check_xs(length, xs_values, at);

  // the body is built apart, then moved into the op
  mlir::Region region;
  mlir::Block &block = region.emplaceBlock();
  mlir::Location loc = trace.location(at);
  for (mlir::Value init : init_values)
    block.addArgument(init.getType(), loc);
  for (mlir::Value x : xs_values)
    block.addArgument(row_type(x), loc);
  OpenBody open(trace, &block, "scan");
  auto arguments = tensors_of(block.getArguments(), trace);
  auto split = arguments.begin() + static_cast<int64_t>(inits.size());
  ScanStep step = body({arguments.begin(), split}, {split, arguments.end()});
  auto carries = resolve_all(trace, "scan", step.carries, at);
  auto ys = resolve_all(trace, "scan", step.ys, at);
  check_carries(init_values, carries, at);
  std::vector<mlir::Value> yields = carries;
  yields.insert(yields.end(), ys.begin(), ys.end());
  YieldOp::create(trace.builder, loc, yields);
  std::vector<mlir::Value> constants = open.close();

  Types carry_types, y_types;
  for (mlir::Value carry : carries)
    carry_types.push_back(carry.getType());
  for (mlir::Value y : ys)
    y_types.push_back(stacked_type(y, length));
  auto op = ScanOp::create(trace.builder, loc, carry_types, y_types,
                           init_values, xs_values, constants, length, reverse);
  op.getBody().takeBody(region);
  return {tensors_of(op.getCarries(), trace), tensors_of(op.getYs(), trace)};
}

ScanStep
remat_scan(int64_t length, int64_t stride, const std::vector<Tensor> &inits,
           const std::vector<Tensor> &xs,
           const std::function<ScanStep(const std::vector<Tensor> &,
                                        const std::vector<Tensor> &)> &body,
           bool reverse, std::source_location at) {
  if (stride < 1)
    throw Error(at, "remat_scan: stride must be 1 or more: got " +
                        std::to_string(stride));
  if (!xs.empty())
    check_xs(length, resolve_all(xs.front().trace(), "remat_scan", xs, at), at);
  const int64_t segments = length / stride, whole = segments * stride;
  if (segments < 2)
    return scan(length, inits, xs, body, reverse, at);

  // a scan of scans, whose gradient stores the outer one's carries, and the
  // inner one's of the segment that it is in
  auto first = [&](const std::vector<Tensor> &carries) {
    std::vector<Tensor> cut;
    for (const Tensor &x : xs)
      cut.push_back(lead(steps_of(x, 0, whole, at), {segments, stride}, 1, at));
    ScanStep found = scan(
        segments, carries, cut,
        [&](auto &inner, auto &rows) {
          return scan(stride, inner, rows, body, reverse, at);
        },
        reverse, at);
    for (Tensor &y : found.ys)
      y = lead(y, {whole}, 2, at);
    return found;
  };
  auto rest = [&](const std::vector<Tensor> &carries) {
    std::vector<Tensor> cut;
    for (const Tensor &x : xs)
      cut.push_back(steps_of(x, whole, length - whole, at));
    return scan(length - whole, carries, cut, body, reverse, at);
  };
  if (whole == length)
    return first(inits);
  ScanStep low, high;
  if (reverse) {
    high = rest(inits);
    low = first(high.carries);
  } else {
    low = first(inits);
    high = rest(low.carries);
  }
  std::vector<Tensor> ys;
  for (size_t i = 0; i < low.ys.size(); ++i)
    ys.push_back(concat({low.ys[i], high.ys[i]}, 0, at));
  return {reverse ? low.carries : high.carries, ys};
}

} // namespace phlox
