// Residual networks against stored numbers of another implementation, and the
// distributions of their first values.
#include "rl/algorithms/residual.h"
#include "test/support/algorithm_runner.h"
#include <cmath>
#include <gtest/gtest.h>

namespace phlox::rl {
namespace {

TEST(ResidualNetwork, IsThatOfAnotherImplementation) {
  Program program("residual");
  ResidualNetwork network(program, "net", 3, {.width = 4}, 2);
  program.entry("f", [&](Entry &e) {
    Tensor x = e.input("x", {2, 3, 3}), weight = e.input("weight", {2, 3, 2});
    auto wrt = network.parameters().read(e);
    Tensor y = network(wrt, x);
    wrt.push_back(x);
    auto slopes = grad(sum(weight * square(y)), wrt);
    e.output("y", y);
    e.output("grad/x", slopes.back());
    for (size_t i = 0; i + 1 < slopes.size(); ++i)
      e.output("grad/" + network.parameters().leaves()[i].name(), slopes[i]);
  });
  auto stored = test::read_step(PHLOX_TESTDATA "/residual.safetensors",
                                program.context());
  auto results = test::interpretEntry(program.module(), "f", stored.arguments);
  test::CompiledProgram compiled(program.module());
  auto fast = compiled.run("f", stored.arguments);
  EXPECT_EQ(results.size(), 20u); // 18 leaves, x and y
  ASSERT_EQ(results.size(), stored.expected.size());
  for (auto &[name, expected] : stored.expected) {
    EXPECT_LT(test::distance(results.at(name), expected), 1e-11) << name;
    EXPECT_LT(test::distance(fast.at(name), expected), 1e-4) << name;
  }
}

TEST(ResidualNetwork, FirstValues) {
  Program program("residual");
  ResidualNetwork network(program, "net", 7, {.width = 64, .blocks = 1}, 3);
  program.entry("init", [&](Entry &e) {
    network.init(e, Key(e.input("seed", {}, Element::count), e.count(0), "i"));
  });
  auto leaves = test::initial_state(program, 3);
  // rows of the input's weights and columns of the output's are orthonormal
  auto &input = leaves.at("leaf:net/input/weight").reals;
  auto &output = leaves.at("leaf:net/output/weight").reals;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      double rows = 0, columns = 0;
      for (int k = 0; k < 64; ++k) {
        rows += input[64 * i + k] * input[64 * j + k];
        columns += output[3 * k + i] * output[3 * k + j];
      }
      EXPECT_NEAR(rows, i == j, 1e-9);
      EXPECT_NEAR(columns, i == j, 1e-9);
    }
  for (auto [layer, inputs] : {std::pair{"up", 64.}, std::pair{"down", 256.}}) {
    double squares = 0, largest = 0, wanted = std::sqrt(2 / inputs);
    auto &weight =
        leaves.at(std::string("leaf:net/block1/") + layer + "/weight").reals;
    for (double w : weight) {
      squares += w * w / static_cast<double>(weight.size());
      largest = std::max(largest, std::abs(w));
    }
    // of 16384 numbers: a deviation is known to 0.4 %
    EXPECT_NEAR(std::sqrt(squares), wanted, 0.02 * wanted);
    EXPECT_LT(largest, 2 * wanted / 0.8796);
  }
  for (const char *scale : {"net/block1/scale", "net/scale"})
    for (double value : leaves.at(std::string("leaf:") + scale).reals)
      EXPECT_EQ(value, 1);
  for (const char *zero : {"net/block1/shift", "net/shift", "net/input/bias",
                           "net/block1/down/bias", "net/output/bias"})
    for (double value : leaves.at(std::string("leaf:") + zero).reals)
      EXPECT_EQ(value, 0);
}

} // namespace
} // namespace phlox::rl
