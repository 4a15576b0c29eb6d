// Batch renormalisation against stored numbers of another implementation, and
// where its forms must agree.
#include "rl/algorithms/renorm.h"
#include "test/support/algorithm_runner.h"
#include <cmath>
#include <gtest/gtest.h>

namespace phlox::rl {
namespace {

constexpr double kEpsilon = 0x1p-10;

// entry points "train", with gradients, and "act"
Program layer(const RenormLimits &limits, const Extents &shape = {4, 3, 5}) {
  Program program("renorm");
  BatchRenorm norm(program, "norm", shape.back(), 0.125, kEpsilon);
  program.entry("train", [&](Entry &e) {
    Tensor x = e.input("x", shape), weight = e.input("weight", shape);
    auto parameters = norm.parameters().read(e);
    Tensor y = norm.train(e, parameters, x, limits);
    auto slopes =
        grad(sum(weight * square(y)), {x, parameters[0], parameters[1]});
    e.output("y", y);
    e.output("grad/x", slopes[0]);
    e.output("grad/scale", slopes[1]);
    e.output("grad/shift", slopes[2]);
  });
  program.entry("act", [&](Entry &e) {
    e.output("acting",
             norm.infer(e, norm.parameters().read(e), e.input("x", shape)));
  });
  program.entry("init", [&](Entry &e) {
    norm.init(e);
    e.output("seed", e.input("seed", {}, Element::count));
  });
  return program;
}

TEST(BatchRenorm, IsThatOfAnotherImplementation) {
  Program program = layer({2, 0.75});
  auto stored =
      test::read_step(PHLOX_TESTDATA "/renorm.safetensors", program.context());
  auto results =
      test::interpretEntry(program.module(), "train", stored.arguments);
  test::CompiledProgram compiled(program.module());
  auto fast = compiled.run("train", stored.arguments);
  ASSERT_EQ(results.size(), 6u); // four outputs, two statistics
  results.merge(
      test::interpretEntry(program.module(), "act", stored.arguments));
  for (auto &[name, expected] : stored.expected) {
    EXPECT_LT(test::distance(results.at(name), expected), 1e-12) << name;
    if (fast.contains(name))
      EXPECT_LT(test::distance(fast.at(name), expected), 1e-5) << name;
  }
}

// nothing clipped: the batch cancels, and training normalises as acting does
TEST(BatchRenorm, WithoutLimitsTrainsAsItActs) {
  Program program = layer({1e6, 1e6});
  auto stored =
      test::read_step(PHLOX_TESTDATA "/renorm.safetensors", program.context());
  auto train =
      test::interpretEntry(program.module(), "train", stored.arguments);
  EXPECT_LT(test::distance(train.at("y"), stored.expected.at("acting")), 1e-9);
  // its gradient still knows that the mean moves with the batch
  const auto &slopes = train.at("grad/x").reals;
  for (int feature = 0; feature < 5; ++feature) {
    double sum = 0;
    for (int row = 0; row < 12; ++row)
      sum += slopes[5 * row + feature];
    EXPECT_NEAR(sum, 0, 1e-11);
  }
}

// no correction: each feature has mean 0 and variance 1, whatever ran before
TEST(BatchRenorm, TightLimitsGiveBatchNormalisation) {
  Program program = layer({1, 0}, {50, 2});
  auto arguments = test::randomArguments(program.module(), "train", 3, 2);
  arguments.at("leaf:norm/scale").reals = {1, 1};
  arguments.at("leaf:norm/shift").reals = {0, 0};
  arguments.at("leaf:norm/variance").reals = {0.5, 7};
  auto y = test::interpretEntry(program.module(), "train", arguments).at("y");
  for (int feature = 0; feature < 2; ++feature) {
    double sum = 0, squares = 0;
    for (int row = 0; row < 50; ++row) {
      double value = y.reals[2 * row + feature];
      sum += value / 50;
      squares += value * value / 50;
    }
    EXPECT_NEAR(sum, 0, 1e-12);
    EXPECT_NEAR(squares, 1, 2 * kEpsilon);
  }
}

TEST(BatchRenorm, BeginsWithoutEffectOnActing) {
  Program program = layer({});
  auto leaves = test::initial_state(program, 1);
  auto arguments = test::randomArguments(program.module(), "act", 3);
  for (auto &[name, leaf] : leaves)
    arguments[name] = leaf;
  auto y =
      test::interpretEntry(program.module(), "act", arguments).at("acting");
  for (size_t i = 0; i < y.reals.size(); ++i)
    EXPECT_NEAR(y.reals[i],
                arguments.at("x").reals[i] / std::sqrt(1 + kEpsilon), 1e-12);
}

} // namespace
} // namespace phlox::rl
