// With equal advantages the entropy alone drives the policy, and its optimum
// is the uniform distribution on the box: the algorithm itself, compiled, with
// critics that are zero and stay so.
#include "rl/algorithms/registry.h"
#include "test/support/algorithm_runner.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace phlox::rl {
namespace {

using test::Tensors;

constexpr int kRows = 256, kUpdates = 3000, kSamples = 20'000, kBins = 40;

// entropy of the trained policy's actions, from a histogram
double entropy_of(const char *squash_grad) {
  nlohmann::json config = {{"batch", kRows},
                           {"actor.hidden", {64, 64}},
                           {"critic.hidden", {4}},
                           {"actor.lr", 1e-3},
                           {"actor.lr_final", 2e-5},
                           {"actor.lr_begin", kUpdates / 2},
                           {"actor.lr_steps", kUpdates * 49 / 100},
                           {"critic.lr", 0},
                           {"critic.lr_final", 0},
                           {"entropy_sign", 0},
                           {"alpha.initial", .1},
                           {"alpha.fixed", true},
                           {"ema_rate", .01},
                           {"proposals", 2},
                           {"resampled", 1},
                           {"squash_grad", squash_grad}};
  Program program =
      find_algorithm("fmer")->build({1, 1, "test"}, config, {kSamples});
  mlir::MLIRContext *context = program.context();
  test::CompiledProgram compiled(program.module());
  auto count = [&](uint64_t number) {
    HostTensor tensor(
        RankedTensorType::get({}, mlir::IntegerType::get(context, 64)));
    tensor.counts = {number};
    return tensor;
  };
  Tensors state = compiled.run("init", {{"seed", count(1)}}), inputs;
  auto zeros = [&](const Extents &shape) {
    int64_t size = 1;
    for (int64_t extent : shape)
      size *= extent;
    return test::reals(context, shape, std::vector<double>(size, 0));
  };
  for (auto &[name, tensor] : state)
    if (name.find("critic/") != std::string::npos) {
      std::fill(tensor.reals.begin(), tensor.reals.end(), 0);
      inputs.emplace(name, tensor);
    }
  EXPECT_FALSE(inputs.empty());
  for (const char *name : {"obs", "next_obs", "action"})
    inputs.emplace(name, zeros({kRows, 1}));
  for (const char *name : {"reward", "terminated"})
    inputs.emplace(name, zeros({kRows}));
  double lost = 0;
  for (int i = 0; i < kUpdates; ++i)
    lost += compiled.run("train_step", inputs).at("nonfinite").reals[0];
  EXPECT_EQ(lost, 0);
  Tensors sampled =
      compiled.run("evaluate_" + std::to_string(kSamples),
                   {{"obs", zeros({kSamples, 1})}, {"step", count(5)}});
  double share[kBins] = {}, entropy = std::log(2. / kBins);
  for (double a : sampled.at("action").reals)
    share[std::clamp(int((a + 1) / 2 * kBins), 0, kBins - 1)] += 1. / kSamples;
  for (double p : share)
    entropy -= p > 0 ? p * std::log(p) : 0;
  std::printf("%s: entropy %.3f\n", squash_grad, entropy);
  return entropy;
}

TEST(FmerTraining, SquashGradient) {
  // ln 2 = 0.693 at best
  EXPECT_GE(entropy_of("path"), .67);
}

TEST(FmerTraining, FormsWithoutSimulationStopEarly) {
  // by another implementation, 3000 updates: 0.219, -0.062, -0.715
  const double linear = entropy_of("linear"), endpoint = entropy_of("endpoint"),
               none = entropy_of("none");
  EXPECT_NEAR(linear, .219, .15);
  EXPECT_NEAR(endpoint, -.062, .15);
  EXPECT_NEAR(none, -.715, .15);
}

} // namespace
} // namespace phlox::rl
