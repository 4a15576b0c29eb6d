// Functions on tensors against numbers worked out by hand.
#include "dsl/program.h"
#include "test/support/program_runner.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox {
namespace {

using testing::ElementsAre;

// the output of one entry point on x = 0, 1, 2, ... of a shape
HostTensor run(const Extents &shape,
               const std::function<Tensor(Entry &, Tensor)> &body) {
  Program program("test");
  program.entry("f",
                [&](Entry &e) { e.output("y", body(e, e.input("x", shape))); });
  auto arguments = test::randomArguments(program.module(), "f", 1);
  auto &x = arguments.at("x").reals;
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<double>(i);
  return test::interpretEntry(program.module(), "f", arguments).at("y");
}

std::vector<double> reals(const Extents &shape,
                          const std::function<Tensor(Entry &, Tensor)> &body) {
  return run(shape, body).reals;
}

TEST(Tensor, BroadcastsLikeNumpy) {
  auto sums = run({2, 1, 2}, [](Entry &e, Tensor x) {
    return x + iota(e.trace(), {3, 1}, 0, Element::real) * 10;
  });
  EXPECT_THAT(sums.shape(), ElementsAre(2, 3, 2));
  EXPECT_THAT(sums.reals,
              ElementsAre(0, 1, 10, 11, 20, 21, 2, 3, 12, 13, 22, 23));
}

TEST(Tensor, NumbersStandOnEitherSide) {
  EXPECT_THAT(reals({2}, [](Entry &, Tensor x) { return 1 - 2 * x / 4; }),
              ElementsAre(1, 0.5));
  EXPECT_THAT(reals({2}, [](Entry &, Tensor x) { return max(-x, -0.5); }),
              ElementsAre(0, -0.5));
  EXPECT_THAT(
      reals({3}, [](Entry &, Tensor x) { return select(x < 1.5, 7, x); }),
      ElementsAre(7, 7, 2));
}

TEST(Tensor, NumbersTakeTheElementsOfTheOthers) {
  auto counts = run({}, [](Entry &e, Tensor) {
    return countrem(countadd(e.count(12), 5), 10);
  });
  EXPECT_THAT(counts.counts, ElementsAre(7));
  auto both = run({}, [](Entry &e, Tensor) {
    return compare(Comparison::eq, e.count(3), 3);
  });
  EXPECT_THAT(both.counts, ElementsAre(1));
}

TEST(Tensor, Reduces) {
  EXPECT_THAT(reals({2, 3}, [](Entry &, Tensor x) { return sum(x); }),
              ElementsAre(15));
  EXPECT_THAT(reals({2, 3}, [](Entry &, Tensor x) { return sum(x, {0, -1}); }),
              ElementsAre(15));
  EXPECT_THAT(reals({2, 3}, [](Entry &, Tensor x) { return mean(x, 0); }),
              ElementsAre(1.5, 2.5, 3.5));
  EXPECT_THAT(reals({2, 3}, [](Entry &, Tensor x) { return mean(x); }),
              ElementsAre(2.5));
  EXPECT_THAT(reals({2, 3}, [](Entry &, Tensor x) { return amax(x, -1); }),
              ElementsAre(2, 5));
  EXPECT_THAT(reals({2, 3}, [](Entry &, Tensor x) { return amin(x, 0); }),
              ElementsAre(0, 1, 2));
}

TEST(Tensor, Sugar) {
  EXPECT_THAT(reals({5}, [](Entry &, Tensor x) { return clip(x, 1, 3); }),
              ElementsAre(1, 1, 2, 3, 3));
  EXPECT_THAT(reals({4}, [](Entry &, Tensor x) { return ess(x / 6); }),
              ElementsAre(testing::DoubleNear(36. / 14, 1e-12)));
  EXPECT_THAT(reals({2},
                    [](Entry &, Tensor x) {
                      return one_hot(convert(x, Element::index), 3);
                    }),
              ElementsAre(1, 0, 0, 0, 1, 0));
  EXPECT_THAT(reals({2, 1, 2},
                    [](Entry &e, Tensor x) {
                      Tensor w = constant(e.trace(), {2, 1},
                                          std::vector<float>{1, 10});
                      return linear(x, w, fill(x, {1}, 0.5));
                    }),
              ElementsAre(10.5, 32.5));
  EXPECT_THAT(
      reals({3},
            [](Entry &, Tensor x) { return convert(x > 0, Element::real); }),
      ElementsAre(0, 1, 1));
}

TEST(Tensor, GradientsAndTangents) {
  EXPECT_THAT(
      reals({3},
            [](Entry &, Tensor x) { return grad(sum(x * square(x)), {x})[0]; }),
      ElementsAre(0, 3, 12));
  EXPECT_THAT(
      reals({3}, [](Entry &, Tensor x) { return jvp(square(x), {x}, {0.5}); }),
      ElementsAre(0, 1, 2));
  EXPECT_THAT(reals({3},
                    [](Entry &, Tensor x) {
                      Tensor loss = sum(stopgradient(x) * x);
                      return grad(loss, {x})[0];
                    }),
              ElementsAre(0, 1, 2));
  // nothing depends on y: zeros, of its shape
  EXPECT_THAT(reals({2},
                    [](Entry &e, Tensor x) {
                      Tensor y = e.input("y", {3});
                      return grad(sum(x), {x, y})[1];
                    }),
              ElementsAre(0, 0, 0));
  // forward mode inside a differentiated loss: d/dx of d/dx x^3
  EXPECT_THAT(reals({2},
                    [](Entry &, Tensor x) {
                      Tensor slope = jvp(x * x * x, {x}, {1});
                      return grad(sum(slope), {x})[0];
                    }),
              ElementsAre(0, 6));
}

} // namespace
} // namespace phlox
