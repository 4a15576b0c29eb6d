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

} // namespace phlox
