// The rewrites on programs written the K-fold way: they cost as much as those
// written with a mean, and give the same numbers.
#include "dsl/program.h"
#include "test/support/program_runner.h"
#include "test/support/rewriting.h"
#include <gtest/gtest.h>

namespace phlox {
namespace {

struct Layers {
  std::vector<Leaf> leaves;
  static constexpr int64_t inputs = 14, width = 48, outputs = 5;

  explicit Layers(Program &program) {
    int64_t before = inputs;
    for (int64_t after : {width, width, outputs}) {
      std::string name = "w" + std::to_string(leaves.size());
      leaves.push_back(program.leaf(name, {before, after}));
      leaves.push_back(program.leaf("b" + name, {after}));
      before = after;
    }
  }
  std::vector<Tensor> read(Entry &e) const {
    std::vector<Tensor> values;
    for (const Leaf &leaf : leaves)
      values.push_back(e.read(leaf));
    return values;
  }
  static Tensor run(const std::vector<Tensor> &p, const Tensor &x) {
    return linear(mish(linear(mish(linear(x, p[0], p[1])), p[2], p[3])), p[4],
                  p[5]);
  }
};

constexpr int64_t rows = 24, copies = 16;

void outputAll(Entry &e, const std::string &name,
               const std::vector<Tensor> &values) {
  for (size_t i = 0; i < values.size(); ++i)
    e.output(name + std::to_string(i), values[i]);
}

// K targets of one prediction, each with its own run of the network, weighed
Program weighedLoss(bool fold) {
  Program program("loss");
  Layers layers(program);
  program.entry("f", [&](Entry &e) {
    Tensor s = e.input("s", {rows, 9}), x = e.input("x", {rows, 5});
    Tensor targets = e.input("t", {rows, copies, 5});
    Tensor w = softmax(e.input("q", {rows, copies}), 1);
    auto p = layers.read(e);
    if (fold) {
      Tensor in = concat({repeat(s, copies, 1), repeat(x, copies, 1)}, 2);
      Tensor error = Layers::run(p, in) - targets; // (B, K, A)
      Tensor loss = sum(expand(w, 2) * square(error)) * (1. / rows);
      outputAll(e, "g", grad(loss, p));
    } else {
      Tensor mean_target = sum(expand(w, 2) * targets, 1);
      Tensor error = Layers::run(p, concat({s, x}, 1)) - mean_target;
      outputAll(e, "g", grad(sum(square(error)) * (1. / rows), p));
    }
  });
  return program;
}

// a weighed mean of derivatives along K directions
Program weighedDerivative(bool fold) {
  Program program("derivative");
  Layers layers(program);
  program.entry("f", [&](Entry &e) {
    Tensor s = e.input("s", {rows, 9}), x = e.input("x", {rows, 5});
    Tensor d = e.input("d", {rows, copies, 5});
    Tensor w = softmax(e.input("q", {rows, copies}), 1);
    auto p = layers.read(e);
    if (fold) {
      Tensor many = repeat(x, copies, 1);
      Tensor v = Layers::run(p, concat({repeat(s, copies, 1), many}, 2));
      e.output("j", sum(expand(w, 2) * jvp(v, {many}, {d}), 1));
    } else {
      Tensor v = Layers::run(p, concat({s, x}, 1));
      e.output("j", jvp(v, {x}, {sum(expand(w, 2) * d, 1)}));
    }
  });
  return program;
}

class Folded : public testing::TestWithParam<Program (*)(bool)> {};

TEST_P(Folded, CostsAsMuchAsTheMeanOfOne) {
  Program fold = GetParam()(true), mean = GetParam()(false);
  double many = test::flopsOf(*test::simplified(fold.module()), "f");
  double one = test::flopsOf(*test::simplified(mean.module()), "f");
  EXPECT_LT(many, 1.15 * one);
}

TEST_P(Folded, GivesTheSameNumbers) {
  Program program = GetParam()(true), mean = GetParam()(false);
  auto arguments = test::randomArguments(program.module(), "f", 7, 0.5);
  auto expected = test::interpretEntry(program.module(), "f", arguments);
  auto once = test::interpretEntry(mean.module(), "f", arguments);
  auto rewritten = test::simplified(program.module());
  auto found = test::interpretEntry(*rewritten, "f", arguments);
  auto run = test::CompiledProgram(program.module()).run("f", arguments);
  ASSERT_FALSE(expected.empty());
  for (auto &[name, tensor] : expected) {
    EXPECT_LT(test::distance(found.at(name), tensor), 1e-7) << name;
    EXPECT_LT(test::distance(once.at(name), tensor), 1e-7) << name;
    EXPECT_LT(test::distance(run.at(name), tensor), 1e-5) << name;
  }
}
INSTANTIATE_TEST_SUITE_P(OverCopies, Folded,
                         testing::Values(weighedLoss, weighedDerivative));

TEST(Rewrites, AreLeftOutByName) {
  for (const std::string &name : test::allRewrites()) {
    Program program = weighedLoss(true);
    EXPECT_GE(test::flopsOf(*test::simplified(program.module(), {name}), "f"),
              test::flopsOf(*test::simplified(program.module()), "f"))
        << name;
  }
  Program program = weighedLoss(true);
  CompileOptions options;
  options.without = {"hoist-everything"};
  EXPECT_EQ(llvm::toString(simplify(program.module(), options)),
            "rewrite must be one of sink-repeat, split-concat, hoist-repeat, "
            "hoist-sum, narrow-matmul, hoist-scan, move-reshapes: got "
            "'hoist-everything'");
}

} // namespace
} // namespace phlox
