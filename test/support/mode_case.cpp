#include "test/support/mode_case.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "rl/algorithms/registry.h"
#include "test/support/algorithm_runner.h"
#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

namespace phlox::test {
namespace {

Program trace(const std::string &name, CaseSize size) {
  const rl::Algorithm *algorithm = rl::find_algorithm(name);
  if (!algorithm)
    throw std::runtime_error("no algorithm " + name);
  nlohmann::json wanted = {{"batch", size.batch},
                           {"ema_rate", kCaseEmaRate},
                           {"actor.every", 2},
                           {"alpha.every", 1},
                           {"actor.hidden", {size.hidden, size.hidden}},
                           {"critic.hidden", {size.hidden, size.hidden}},
                           {"proposals", 8},
                           {"proposal", "mixture"},
                           {"particles", 4},
                           {"std.hidden", {16}},
                           {"value_least", -5},
                           {"value_most", 5},
                           {"atoms", 11},
                           {"policy_proposals", 4},
                           {"action_steps", 2},
                           {"entropy_samples", 64},
                           {"entropy_states", 4},
                           {"mixture_components", 2},
                           {"mixture_rounds", 3}};
  for (const char *group : {"actor", "critic", "alpha", "divergence"})
    for (const char *key : {".lr", ".lr_final"})
      wanted[std::string(group) + key] = kCaseRate;
  nlohmann::json config;
  for (const auto &entry : algorithm->schema) {
    auto key = entry["key"].get<std::string>();
    if (key == "nfe") // even, for steps of two evaluations
      config[key] = std::min<int64_t>(entry["default"].get<int64_t>(), 4);
    if (wanted.contains(key))
      config[key] = wanted[key];
  }
  return algorithm->build({5, 3, "test"}, config, {1, 8});
}

} // namespace

ModeCase::ModeCase(const std::string &algorithm, bool explicitNoise,
                   CaseSize size)
    : program(trace(algorithm, size)),
      module(mlir::cast<mlir::ModuleOp>(program.module()->clone())) {
  program.module()->walk([&](mlir::Operation *op) {
    if (op->hasTrait<Random>() && !mlir::isa<NormalOp>(op))
      uniformStreams.insert(
          op->getAttrOfType<mlir::StringAttr>("stream").str());
  });
  if (explicitNoise)
    module = explicit_noise(program);
}

Tensors ModeCase::arguments(const std::string &entry, unsigned seed,
                            const Tensors &state) const {
  Tensors made = randomArguments(*module, entry, seed);
  std::mt19937 generator(seed + 1);
  std::uniform_real_distribution<double> unit(1e-4, 1 - 1e-4);
  for (auto &[name, tensor] : made) {
    if (name.starts_with("leaf:"))
      tensor = state.at(name);
    for (double &x : tensor.reals) {
      if (name == "action" || name == "stored_action")
        x = std::tanh(x);
      else if (name == "terminated")
        x = generator() % 4 == 0;
      else if (uniformStreams.contains(name))
        x = unit(generator);
    }
  }
  roundToFloat(made);
  return made;
}

Tensors ModeCase::initialState() const {
  Tensors state =
      interpretEntry(*module, "init", arguments("init", 3, Tensors()));
  roundToFloat(state);
  return state;
}

std::vector<std::string> ModeCase::entries() const {
  std::vector<std::string> names;
  for (auto function : module.get().getOps<mlir::func::FuncOp>())
    names.push_back(function.getSymName().str());
  return names;
}

void roundToFloat(Tensors &tensors) {
  for (auto &[name, tensor] : tensors)
    for (double &x : tensor.reals)
      x = double(float(x));
}

} // namespace phlox::test
