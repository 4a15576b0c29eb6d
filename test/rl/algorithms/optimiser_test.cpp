// Adam, learning rates, averages and the gate against numbers worked out in
// f64 from the formulas.
#include "rl/algorithms/optimiser.h"
#include "rl/algorithms/temperature.h"
#include "test/support/algorithm_runner.h"
#include <cmath>
#include <gtest/gtest.h>

namespace phlox::rl {
namespace {

using test::Tensors;

TEST(Optimiser, AdamFollowsGoldenSteps) {
  Program program("adam");
  Parameters parameters({program.leaf("p", {1})});
  Adam adam(program, "p", parameters, {3e-4, 3e-4, 0, 0});
  program.entry("init", [&](Entry &e) {
    e.write(parameters.leaves()[0], 1);
    adam.init(e);
    e.input("seed", {}, Element::count);
  });
  program.entry("f", [&](Entry &e) {
    Gate gate(e);
    Tensor g = e.input("g", {1});
    gate.watch(sum(g));
    adam.step(e, gate, {g});
    gate.commit();
  });
  Tensors state = test::initial_state(program, 0);
  const double grads[] = {.5, -1, .25, 2};
  const double wanted[] = {0.999700000006, 0.999809831063, 0.999850838261,
                           0.999716203637};
  for (int i = 0; i < 4; ++i) {
    state["g"] = test::reals(program.context(), {1}, {grads[i]});
    for (auto &[name, tensor] :
         test::interpretEntry(program.module(), "f", state))
      state[name] = tensor;
    // betas and rate are rounded to f32
    EXPECT_NEAR(state.at("leaf:p").reals[0], wanted[i], 1e-10);
  }
  EXPECT_EQ(state.at("leaf:p/adam_count").counts[0], 4u);
}

TEST(Optimiser, RateMovesLinearlyByItsOwnCount) {
  LearningRate rate{3e-4, 3e-5, 25'000, 50'000};
  for (auto [count, wanted] : {std::pair{0, 3e-4},
                               {25'000, 3e-4},
                               {50'000, 1.65e-4},
                               {75'000, 3e-5},
                               {100'000, 3e-5}}) {
    auto outputs = test::run_traced(
        [&](Entry &e) { e.output("rate", rate.at(e.count(count))); });
    EXPECT_NEAR(outputs.at("rate").reals[0], wanted, 1e-10) << count;
  }
}

TEST(Optimiser, AverageAfterThreeSteps) {
  Program program("average");
  Parameters average({program.leaf("a", {1})});
  program.entry("f", [&](Entry &e) {
    Gate gate(e);
    gate.watch(e.scalar(0));
    average_into(e, gate, average, {fill(e.scalar(0), {1}, 1)}, 0.005);
    gate.commit();
  });
  Tensors state{{"leaf:a", test::reals(program.context(), {1}, {0})}};
  for (int i = 0; i < 3; ++i)
    state = test::interpretEntry(program.module(), "f", state);
  EXPECT_NEAR(state.at("leaf:a").reals[0], 0.014925125, 1e-9);
}

TEST(Optimiser, GateWritesOnlyWhatIsFiniteAndDue) {
  Program program("gate");
  Leaf a = program.leaf("a", {}), b = program.leaf("b", {});
  program.entry("f", [&](Entry &e) {
    Gate gate(e);
    gate.watch(e.input("loss", {}));
    gate.write(a, e.read(a) + 1);
    gate.write(b, e.read(b) + 1, e.input("due", {}) > 0);
    e.output("nonfinite", gate.commit());
  });
  auto number = [&](double x) {
    return test::reals(program.context(), {}, {x});
  };
  auto run = [&](double loss, double due) {
    auto results = test::interpretEntry(program.module(), "f",
                                        {{"leaf:a", number(10)},
                                         {"leaf:b", number(20)},
                                         {"loss", number(loss)},
                                         {"due", number(due)}});
    return std::vector{results.at("leaf:a").reals[0],
                       results.at("leaf:b").reals[0],
                       results.at("nonfinite").reals[0]};
  };
  EXPECT_EQ(run(1, 1), (std::vector<double>{11, 21, 0}));
  EXPECT_EQ(run(1, 0), (std::vector<double>{11, 20, 0}));
  EXPECT_EQ(run(NAN, 1), (std::vector<double>{10, 20, 1}));
  EXPECT_EQ(run(-INFINITY, 1), (std::vector<double>{10, 20, 1}));
}

TEST(Optimiser, TooLittleEntropyRaisesTheTemperature) {
  TemperatureSettings settings;
  settings.target_entropy = -3;
  settings.rate = {1e-2, 1e-2, 0, 0};
  auto moved = [&](double entropy) {
    Program program("temperature");
    Temperature temperature(program, settings, 1);
    program.entry("init", [&](Entry &e) {
      e.input("seed", {}, Element::count);
      temperature.init(e);
    });
    program.entry("f", [&](Entry &e) {
      Gate gate(e);
      temperature.step(e, gate, temperature.loss(e, e.scalar(entropy)),
                       e.count(0));
      gate.commit();
    });
    auto state = test::initial_state(program, 0);
    return test::interpretEntry(program.module(), "f", state)
        .at("leaf:log_alpha")
        .reals[0];
  };
  EXPECT_NEAR(moved(-4), 1e-2, 1e-6);
  EXPECT_NEAR(moved(-2), -1e-2, 1e-6);
}

} // namespace
} // namespace phlox::rl
