#include "dsl/control.h"
#include "compiler/autodiff/Autodiff.h"
#include "dsl/trace.h"

namespace phlox {
namespace {

Tensor zeros_if_null(Graph &graph, mlir::Value value, mlir::Value like,
                     Trace &trace) {
  return Tensor(value ? value : graph.zeros(tensorType(like)), &trace);
}

} // namespace

std::vector<Tensor> grad(const Tensor &loss, const std::vector<Tensor> &wrt,
                         std::source_location at) {
  Trace &trace = loss.trace();
  trace.demand_open(at);
  if (loss.rank() != 0 || loss.element() != Element::real)
    throw Error(at, "grad: loss must be a real scalar: got shape " +
                        formatShape(shapeOf(loss.value())));
  mlir::Value output = trace.resolve(loss, at);
  auto inputs = resolve_all(trace, "grad", wrt, at);
  Graph graph(trace.builder, trace.location(at));
  mlir::Value one = graph.constant(1, output);
  auto cotangents = vjp(graph, output, one, inputs);
  std::vector<Tensor> results;
  for (auto [cotangent, input] : llvm::zip(cotangents, inputs))
    results.push_back(zeros_if_null(graph, cotangent, input, trace));
  return results;
}

Tensor jvp(const Tensor &output, const std::vector<Tensor> &inputs,
           const Operands &tangents, std::source_location at) {
  Trace &trace = output.trace();
  trace.demand_open(at);
  if (inputs.size() != tangents.size())
    throw Error(at, "jvp: must have one tangent per input: got " +
                        std::to_string(tangents.size()) + " for " +
                        std::to_string(inputs.size()));
  mlir::Value result = trace.resolve(output, at);
  auto values = resolve_all(trace, "jvp", inputs, at);
  Graph graph(trace.builder, trace.location(at));
  std::vector<mlir::Value> directions;
  for (size_t i = 0; i < values.size(); ++i) {
    if (tangents[i].is_number()) {
      directions.push_back(tangents[i].number == 0
                               ? mlir::Value()
                               : graph.constant(tangents[i].number, values[i]));
      continue;
    }
    directions.push_back(
        resolve_all(trace, "jvp", {tangents[i].tensor}, at).front());
    if (directions[i].getType() != values[i].getType())
      throw Error(at, "jvp: tangent " + std::to_string(i) + " must be " +
                          formatShape(shapeOf(values[i])) +
                          " as its input: got " +
                          formatShape(shapeOf(directions[i])));
  }
  auto derivative = phlox::jvp(graph, {result}, values, directions);
  return zeros_if_null(graph, derivative.front(), result, trace);
}

} // namespace phlox
