// Recipes, and how they are cut down.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "test/fuzz/comparison.h"
#include "test/fuzz/isolated.h"
#include "test/fuzz/shrink.h"
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::fuzz {
namespace {

std::string textOf(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream(text) << module;
  return text;
}

TEST(Recipe, GivesOneProgramAlsoAsItWasRead) {
  for (uint64_t seed = 0; seed < 20; seed++) {
    Recipe recipe = drawRecipe(seed), used, again;
    Program first = makeProgram(recipe, &used);
    Program second = makeProgram(used, &again);
    EXPECT_EQ(textOf(first.module()), textOf(second.module())) << seed;
    EXPECT_EQ(used, again);
  }
}

TEST(Recipe, GivesAProgramHoweverItIsCut) {
  for (uint64_t seed = 0; seed < 10; seed++) {
    Recipe recipe = drawRecipe(seed);
    for (Decisions &step : recipe.steps)
      step.resize(seed);
    recipe.frame.resize(seed / 2);
    EXPECT_NO_THROW(makeProgram(recipe)) << seed;
  }
  EXPECT_NO_THROW(makeProgram({}));
}

TEST(Recipe, CoversTheOps) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 600; seed++)
    makeProgram(drawRecipe(seed)).module().walk([&](mlir::Operation *op) {
      seen.insert(op->getName().getStringRef().str());
    });
  mlir::MLIRContext context;
  context.loadDialect<PhloxDialect>();
  int ops = 0;
  for (auto op : context.getRegisteredOperations())
    if (op.getDialectNamespace() == "phlox") {
      ops++;
      // drawn by the functions that name streams, as uniform
      if (op.stripDialect() != "randombits")
        EXPECT_TRUE(seen.contains(op.getStringRef().str()))
            << op.getStringRef().str();
    }
  EXPECT_GT(ops, 60);
}

TEST(Shrink, KeepsWhatFailsAndLittleElse) {
  uint64_t seed = 0;
  auto fails = [](const Recipe &recipe) {
    bool found = false;
    makeProgram(recipe).module().walk([&](CumsumOp) { found = true; });
    return found;
  };
  while (!fails(drawRecipe(seed)))
    seed++;
  Recipe used;
  makeProgram(drawRecipe(seed), &used);
  int tried = 0;
  Recipe small = shrink(used, [&](const Recipe &recipe) {
    tried++;
    return fails(recipe);
  });
  EXPECT_TRUE(fails(small));
  EXPECT_EQ(small.steps.size(), 1u);
  EXPECT_LE(tried, 400);
  int ops = 0;
  makeProgram(small).module().walk([&](mlir::Operation *) { ops++; });
  EXPECT_LE(ops, 12);
}

TEST(Shrink, LeavesResultsOut) {
  Program program("two");
  auto p = program.leaf("p", {3});
  program.entry("f", [&](Entry &e) {
    Tensor x = e.input("x", {3}), y = e.input("y", {3});
    e.write(p, e.read(p) + y);
    e.output("a", exp(x));
    e.output("b", tanh(x));
  });
  auto fewer = withResults(program.module(), {"b"});
  std::string text = textOf(*fewer);
  EXPECT_THAT(text, testing::HasSubstr("phlox.tanh"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("phlox.exp")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("phlox.input = \"y\"")));
  EXPECT_THROW(withResults(program.module(), {"c"}), std::runtime_error);
}

TEST(Isolated, ReportsHowAChildEnds) {
  Outcome good = isolated([](const Send &send) { send("a"), send("b"); }, 10);
  EXPECT_EQ(good.text, "ab");
  EXPECT_EQ(good.problem, "");
  Outcome died = isolated(
      [](const Send &send) {
        send("first");
        raise(SIGKILL);
      },
      10);
  EXPECT_EQ(died.text, "first");
  EXPECT_EQ(died.problem, "died: Killed");
  EXPECT_EQ(isolated([](const Send &) { throw std::runtime_error("so"); }, 10)
                .problem,
            "threw: so");
  EXPECT_EQ(isolated([](const Send &) { pause(); }, 1).problem,
            "took longer than 1 s");
}

} // namespace
} // namespace phlox::fuzz
