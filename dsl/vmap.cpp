#include "compiler/ops/Batch.h"
#include "dsl/control.h"
#include "dsl/trace.h"
#include <numeric>

namespace phlox {
namespace {

// Brings the mapped axis to the front.
mlir::Value axis_first(Graph &graph, mlir::Value x, int64_t axis) {
  if (axis == 0)
    return x;
  SmallVector<int64_t> permutation(tensorType(x).getRank());
  std::iota(permutation.begin(), permutation.end(), 0);
  std::rotate(permutation.begin(), permutation.begin() + axis,
              permutation.begin() + axis + 1);
  return graph.make<TransposeOp>(x, permutation);
}

std::vector<mlir::Value> axes_first(Graph &graph,
                                    const std::vector<mlir::Value> &values,
                                    const Extents &axes,
                                    std::source_location at) {
  if (!axes.empty() && axes.size() != values.size())
    throw Error(at, "vmap: must have one axis per input: got " +
                        std::to_string(axes.size()) + " for " +
                        std::to_string(values.size()));
  std::vector<mlir::Value> moved;
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t rank = tensorType(values[i]).getRank();
    int64_t axis = axes.empty() ? 0 : axes[i];
    if (rank == 0)
      throw Error(at, "vmap: inputs must have an axis to map: got ()");
    if (axis < -rank || axis >= rank)
      throw Error(at, "vmap: axis must be in [-" + std::to_string(rank) + ", " +
                          std::to_string(rank) + "): got " +
                          std::to_string(axis) + " for " +
                          formatShape(shapeOf(values[i])));
    moved.push_back(
        axis_first(graph, values[i], axis < 0 ? axis + rank : axis));
    if (shapeOf(moved[i])[0] != shapeOf(moved[0])[0])
      throw Error(at, "vmap: mapped axes must have one extent: got " +
                          std::to_string(shapeOf(moved[0])[0]) + " and " +
                          std::to_string(shapeOf(moved[i])[0]));
  }
  return moved;
}

} // namespace

std::vector<Tensor>
vmap(const std::vector<Tensor> &inputs,
     const std::function<std::vector<Tensor>(const std::vector<Tensor> &)> &f,
     const Extents &axes, std::source_location at) {
  if (inputs.empty())
    throw Error(at, "vmap: inputs must hold a tensor: got none");
  Trace &trace = inputs.front().trace();
  trace.demand_open(at);
  Graph graph(trace.builder, trace.location(at));
  auto arguments =
      axes_first(graph, resolve_all(trace, "vmap", inputs, at), axes, at);

  // one example is traced apart, then emitted for all
  mlir::Block *block = trace.make_block();
  for (mlir::Value argument : arguments) {
    auto type = tensorType(argument);
    block->addArgument(type.clone(type.getShape().drop_front()),
                       graph.location);
  }
  OpenBody open(trace, block, "vmap");
  auto outputs = resolve_all(trace, "vmap",
                             f(tensors_of(block->getArguments(), trace)), at);
  auto shared = open.close();
  arguments.insert(arguments.end(), shared.begin(), shared.end());
  Batch batch(trace.builder, graph.location,
              tensorType(arguments.front()).getDimSize(0));
  SmallVector<mlir::Value> results =
      mapBlock(batch, *block, arguments, outputs);
  if (batch.refused)
    throw Error(at, "vmap: '" + batch.refused->getName().stripDialect().str() +
                        "' must not depend on the example: make keys and draw "
                        "noise outside");
  batch.location = graph.location;
  for (auto [result, output] : llvm::zip(results, outputs))
    result = batch.spread(result, output);
  return tensors_of(results, trace);
}

} // namespace phlox
