#include "test/fuzz/recipe.h"
#include "compiler/passes/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "test/fuzz/maker.h"
#include <random>

namespace phlox::fuzz {

namespace {
constexpr int kFrame = 24, kMostSteps = 10, kPerStep = 40;
}

static void makeNoiseInputs(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  passes.addPass(createExplicitNoise());
  if (mlir::failed(passes.run(module)))
    throw std::runtime_error("noise must become inputs");
}

Recipe drawRecipe(uint64_t seed) {
  std::mt19937_64 random(seed);
  auto decisions = [&](int count) {
    Decisions result;
    for (int i = 0; i < count; i++)
      result.push_back(uint32_t(random() >> 33));
    return result;
  };
  Recipe recipe{decisions(kFrame), {}};
  for (int steps = 1 + int(random() % kMostSteps); steps > 0; steps--)
    recipe.steps.push_back(decisions(kPerStep));
  return recipe;
}

int64_t Choices::pick(int64_t count) {
  if (count <= 1) // no question: nothing to decide
    return 0;
  size_t at = noted.size();
  int64_t answer =
      at < decisions.size() ? int64_t(decisions[at] % uint64_t(count)) : 0;
  noted.push_back(uint32_t(answer));
  return answer;
}

Program makeProgram(const Recipe &recipe, Recipe *used) {
  Program program("fuzz");
  Recipe noted;
  Choices frame(recipe.frame);
  Sizes sizes = chooseSizes(frame);
  std::vector<Leaf> leaves;
  for (int64_t i = 1 + frame.pick(3); i > 0; i--)
    leaves.push_back(program.leaf("p" + std::to_string(leaves.size()),
                                  sizes.shape(frame, 3)));
  Leaf counter = program.counter("step");
  program.entry("f", [&](Entry &entry) {
    Maker maker(entry, leaves, counter, sizes, frame);
    for (const Decisions &step : recipe.steps) {
      Choices choices(step);
      maker.step(choices);
      noted.steps.push_back(choices.answers());
    }
    maker.finish(frame);
  });
  if (frame.once(8))
    makeNoiseInputs(program.module());
  noted.frame = frame.answers();
  if (used)
    *used = std::move(noted);
  return program;
}

} // namespace phlox::fuzz
