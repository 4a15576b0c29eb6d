// Which end of a step a kernel runs at.
#include "test/support/planned.h"
#include <map>

namespace phlox::cpu {
namespace {

using test::Planned;

// Two networks side by side: one thread's is always at the same end.
TEST(Affinity, ANetworkKeepsItsSide) {
  Program program("sides");
  const std::vector<std::string> names = {"p", "q"};
  program.entry("f", [&](Entry &e) {
    std::map<std::string, Tensor> h;
    for (const auto &name : names)
      h[name] = e.input(name + "x", {64, 96});
    for (int layer = 0; layer < 4; layer++) {
      // their kernels come in the other order in every other layer
      for (int i : {layer % 2, 1 - layer % 2}) {
        Tensor w = e.input(names[i] + std::to_string(layer), {96, 96});
        h[names[i]] = tanh(matmul(h[names[i]], w));
      }
    }
    for (const auto &name : names)
      e.output(name, h[name]);
  });
  Planned planned(program);
  auto &plan = *planned.plan;
  auto function = mlir::cast<mlir::func::FuncOp>(plan.function);
  llvm::DenseMap<mlir::Value, char> side; // by the first letter of inputs
  for (auto argument : function.getArguments())
    side[argument] = function
                         .getArgAttrOfType<mlir::StringAttr>(
                             argument.getArgNumber(), kInputAttr)
                         .str()[0];
  int together = 0;
  std::string order;
  for (auto &step : plan.region->steps) {
    std::string sides;
    for (unsigned index : step.kernels) {
      auto &kernel = *plan.region->kernels[index];
      for (mlir::Value value : kernel.reads)
        side[kernel.root] = side.lookup(value);
      sides += side[kernel.root];
    }
    if (step.kernels.size() != 2)
      continue;
    together++;
    if (order.empty())
      order = sides;
    EXPECT_EQ(sides, order);
  }
  EXPECT_EQ(together, 4);
}

} // namespace
} // namespace phlox::cpu
