// Distributions of returns: projection against sums by hand, and what critics
// make of them.
#include "rl/algorithms/categorical.h"
#include "rl/algorithms/settings.h"
#include "test/support/algorithm_runner.h"
#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <random>

namespace phlox::rl {
namespace {

using test::Tensors;

constexpr Atoms kAtoms = {5, -1, 3}; // -1 0 1 2 3

std::vector<double> project(const std::vector<double> &probabilities,
                            const std::vector<double> &places) {
  auto rows = static_cast<int64_t>(places.size()) / kAtoms.count;
  Tensors outputs = test::run_traced(
      [&](Entry &e) {
        e.output("y", kAtoms.project(e.input("p", {rows, kAtoms.count}),
                                     e.input("at", {rows, kAtoms.count})));
      },
      {{"p", probabilities}, {"at", places}});
  return outputs.at("y").reals;
}

TEST(Categorical, SplitsBetweenNeighbours) {
  using testing::DoubleNear;
  using testing::ElementsAre;
  auto near = [](double x) { return DoubleNear(x, 1e-7); };
  // at an atom, between two, beyond both ends
  EXPECT_THAT(project({.1, .2, .3, .15, .25}, {1, .25, 2.5, -7, 9}),
              ElementsAre(near(.15), near(.15), near(.1 + .05), near(.15),
                          near(.15 + .25)));
}

TEST(Categorical, KeepsMassAndMean) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> p(40), at(40);
  for (int row = 0; row < 8; ++row) {
    double sum = 0;
    for (int k = 0; k < 5; ++k)
      sum += p[row * 5 + k] = uniform(generator);
    for (int k = 0; k < 5; ++k) {
      p[row * 5 + k] /= sum;
      at[row * 5 + k] = 4 * uniform(generator) - 1;
    }
  }
  auto moved = project(p, at);
  for (int row = 0; row < 8; ++row) {
    double mass = 0, before = 0, after = 0;
    for (int k = 0; k < 5; ++k) {
      EXPECT_GE(moved[row * 5 + k], 0);
      mass += moved[row * 5 + k];
      before += p[row * 5 + k] * at[row * 5 + k];
      after += moved[row * 5 + k] * (k - 1);
    }
    EXPECT_NEAR(mass, 1, 1e-6);
    EXPECT_NEAR(after, before, 1e-6);
  }
}

TEST(Categorical, ReadsTheMean) {
  Tensors outputs = test::run_traced(
      [](Entry &e) {
        e.output("q", kAtoms.head().value(e.input("logits", {2, 5})));
      },
      {{"logits", {0, 0, 0, 0, 0, 0, 0, 0, 0, std::log(4.)}}});
  EXPECT_NEAR(outputs.at("q").reals[0], 1, 1e-6);
  EXPECT_NEAR(outputs.at("q").reals[1], (-1 + 0 + 1 + 2 + 12) / 8., 1e-6);
}

// two critics of biases alone: one sure of 0, one sure of 2
TEST(Categorical, TakesTheLesserTwinOrBoth) {
  for (bool mean : {false, true}) {
    Program program("f");
    TwinCritic critic(program, "c", 1, 1, {{2}, "relu"}, kAtoms.head());
    program.entry("init", [&](Entry &e) {
      e.input("seed", {}, Element::count);
      for (const Leaf &leaf : critic.parameters().leaves()) {
        e.write(leaf, 0);
        std::vector<float> sure(5, 0);
        sure[leaf.name().starts_with("c/0") ? 1 : 3] = 60;
        if (leaf.name().ends_with("layer2/bias"))
          e.write(leaf, phlox::constant(e.trace(), {5}, sure));
      }
      Tensor one = fill(e.scalar(0), {1}, 1), two = reshape(one, {1, 1});
      Transitions batch{two, two, one * .5, two, one * 0};
      Tensor wanted =
          categorical_target(kAtoms, critic, critic.parameters().read(e), batch,
                             two, one * .5, one * 2, mean);
      e.output("mean", kAtoms.mean_of(wanted));
      e.output("wanted", wanted);
    });
    Tensors results = test::initial_state(program, 1);
    // .5 + .5 (0 + 2), and with 2 in place of 0
    EXPECT_NEAR(results.at("mean").reals[0], mean ? 2 : 1.5, 1e-6);
  }
}

TEST(Categorical, RefusesValuesOutOfOrder) {
  Atoms atoms{5, 2, 2};
  EXPECT_THROW(atoms.check(), SettingsError);
  try {
    atoms.check();
  } catch (const SettingsError &error) {
    EXPECT_THAT(error.what(),
                testing::HasSubstr("key 'value_least' must be below "
                                   "'value_most': got 2 and 2"));
  }
}

} // namespace
} // namespace phlox::rl
