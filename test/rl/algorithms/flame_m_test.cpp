// What flame_m.cpp's header numbers of its own; flow_policy_test.cpp has what
// both flow policies number.
#include "rl/algorithms/flow.h"
#include "rl/algorithms/networks.h"
#include "test/rl/algorithms/support.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;

// U of the flow from N(0, .25) to N(.4, .04), exact
Tensor exact_u(const Tensor &x, const Tensor &t, const Tensor &r) {
  auto spread = [](const Tensor &s) {
    return sqrt(square(s) * .04 + square(1 - s) * .25);
  };
  return (r * .4 + spread(r) / spread(t) * (x - t * .4) - x) / (r - t);
}

double end_of(int64_t segments, double x0) {
  return test::run_traced(
             [&](Entry &e) {
               e.output("x", integrate(mean_velocity_flow(exact_u),
                                       e.input("x0", {1, 1}), segments));
             },
             {{"x0", {x0}}})
      .at("x")
      .reals[0];
}

TEST(FlameM, TimeAxis) {
  // the sampler starts where noise is and ends where data is: .4 + .2 x0 / .5
  for (double x0 : {-1., 0., .25})
    EXPECT_NEAR(end_of(1, x0), .4 + .4 * x0, 1e-7);
}

TEST(FlameM, SegmentScale) {
  for (int64_t segments : {2, 3, 7})
    EXPECT_NEAR(end_of(segments, .25), .5, 1e-7) << segments;
}

TEST(FlameM, EqualTimes) {
  // with r = t everywhere the later time is not read
  StoredProgram equal("flame-m", {{"r_equal_t", 1.}, {"q_coef", 0.}});
  StoredProgram apart("flame-m", {{"r_equal_t", 0.}, {"q_coef", 0.}});
  auto move = [](StoredProgram &program) {
    double before = program.metric("losses/flow_loss");
    auto &time = program.argument("train_step/time"); // (6, 3)
    for (size_t i = 0; i < time.size(); i += 3)
      (time[i] > time[i + 1] ? time[i] : time[i + 1]) = .99;
    return program.metric("losses/flow_loss") - before;
  };
  EXPECT_EQ(move(equal), 0);
  EXPECT_NE(move(apart), 0);
  EXPECT_EQ(find_algorithm("flame-m")->as_published["r_equal_t"], 0);
}

TEST(FlameM, QCoef) {
  StoredProgram without("flame-m", {{"q_coef", 0.}});
  EXPECT_FALSE(test::input_types(*without.module, "train_step")
                   .contains("train_step/policy_base"));
  // the loss is affine in it
  auto loss = [](double coefficient) {
    return StoredProgram("flame-m", {{"q_coef", coefficient}})
        .metric("losses/actor_loss");
  };
  double base = without.metric("losses/actor_loss"), once = loss(1) - base;
  EXPECT_GT(std::abs(once), 1e-2);
  EXPECT_NEAR(loss(2) - base, 2 * once, 1e-6);
}

TEST(FlameM, EntropyOfSample) {
  // -log pi by the change of volume of the very step, against differences
  EntropySettings settings;
  settings.estimator = "logdet";
  auto outputs = test::run_traced(
      [&](Entry &e) {
        Key key(e.count(1), e.count(0), "f");
        Tensor x0 = e.input("x0", {3, 1});
        Flow flow = mean_velocity_flow(
            [](const Tensor &x, const Tensor &, const Tensor &) {
              return x * x * 0.3 + tanh(x);
            });
        auto sample = sample_with_entropy(flow, x0, 1, settings, .5, key);
        e.output("h", sample.entropy);
      },
      {{"x0", {-.4, 0, .7}}});
  const double x0[] = {-.4, 0, .7};
  for (int i = 0; i < 3; ++i) {
    double x = x0[i], slope = 1 + .6 * x + 1 - std::pow(std::tanh(x), 2);
    double expected =
        .5 * std::log(2 * M_PI * .25) + x * x / .5 + std::log(std::abs(slope));
    EXPECT_NEAR(outputs.at("h").reals[i], expected, 1e-6);
  }
}

TEST(FlameM, FourierTimes) {
  auto channels_that_move = [](const char *kind) {
    auto table = test::run_traced([&](Entry &e) {
      Tensor t = iota(e.trace(), {101, 1}, 0, Element::real) * .01;
      Tensor y = embed_time(kind, t);
      e.output("range", amax(y, 0) - amin(y, 0));
    });
    int moving = 0;
    for (double range : table.at("range").reals)
      moving += range > .01;
    return std::pair(moving, table.at("range").size());
  };
  EXPECT_EQ(channels_that_move("fourier"), std::pair(9, int64_t{9}));
  EXPECT_EQ(channels_that_move("sin1"), std::pair(5, int64_t{16}));
  EXPECT_EQ(channels_that_move("sin1000").first, 16);
  // the values of the published embedding at t = 0.5
  auto half = test::run_traced([](Entry &e) {
                e.output("e", embed_time("sin1", fill(e.scalar(0), {1}, .5)));
              }).at("e");
  EXPECT_NEAR(half.reals[0], std::sin(.5) / 4, 1e-8);
  EXPECT_NEAR(half.reals[8], std::cos(.5) / 4, 1e-8);
}

} // namespace
} // namespace phlox::rl
