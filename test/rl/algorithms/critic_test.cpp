// The soft target in closed form: one state, no reward, uniform policy.
#include "rl/algorithms/critic.h"
#include "test/support/algorithm_runner.h"
#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

namespace phlox::rl {
namespace {

// the fixed point of Q = soft_target(reward, Q, entropy)
double fixed_point(double reward, double entropy, double sign) {
  return test::run_traced([&](Entry &e) {
           auto column = [&](double x) { return fill(e.scalar(0), {1}, x); };
           Tensor q =
               scan(400, {column(0)}, {}, [&](auto &carries, auto &) {
                 Transitions rows;
                 rows.reward = column(reward);
                 rows.terminated = column(0);
                 return ScanStep{{soft_target(rows, carries[0], column(entropy),
                                              e.scalar(.5), .9, sign)},
                                 {}};
               }).carries[0];
           e.output("q", q);
         })
      .at("q")
      .reals[0];
}

TEST(SoftTarget, UniformPolicyOnTheBox) {
  // Q = discount alpha A ln 2 / (1 - discount); f32 constants: 1e-6 of it
  for (auto [size, wanted] :
       {std::pair{1, 3.11916231}, {6, 18.71497388}, {17, 53.02575931}}) {
    double entropy = size * std::numbers::ln2;
    EXPECT_NEAR(fixed_point(0, entropy, 1), wanted, 1e-6 * wanted);
    EXPECT_NEAR(fixed_point(0, entropy, -1), -wanted, 1e-6 * wanted);
    EXPECT_EQ(fixed_point(0, entropy, 0), 0);
  }
}

TEST(SoftTarget, BestPolicyOfOneState) {
  // r = 2 a - 3 a^2 under pi*: mean reward 0.0995174830, entropy 0.1335991937;
  // V = Q + alpha H
  double q = fixed_point(0.0995174830, 0.1335991937, 1);
  EXPECT_NEAR(q + .5 * 0.1335991937, 1.66317080, 2e-6);
  q = fixed_point(0.0995174830, 0.1335991937, -1);
  EXPECT_NEAR(q - .5 * 0.1335991937, 0.32717886, 2e-6);
}

TEST(SoftTarget, EndsWhereTheTaskEnds) {
  auto y =
      test::run_traced(
          [](Entry &e) {
            Transitions rows;
            rows.reward = e.input("reward", {2});
            rows.terminated = e.input("terminated", {2});
            e.output("y", soft_target(rows, e.input("q", {2}),
                                      e.input("h", {2}), e.scalar(.5), .9, 1));
          },
          {{"reward", {1, 1}},
           {"terminated", {0, 1}},
           {"q", {2, 2}},
           {"h", {.3, .3}}})
          .at("y")
          .reals;
  EXPECT_NEAR(y[0], 2.9350, 1e-7);
  EXPECT_EQ(y[1], 1);
}

} // namespace
} // namespace phlox::rl
