// vmap against loops over the examples, interpreted and compiled; what it
// composes with, and what it refuses.
#include "dsl/program.h"
#include "test/support/program_runner.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox {
namespace {

using testing::HasSubstr;

// Traces both ways of computing one tensor; compares them with each other, and
// the first with its compiled self.
using Traced = std::function<Tensor(Entry &)>;
void expect_equal(const Traced &mapped, const Traced &looped) {
  Program program("mapped"), other("looped");
  program.entry("f", [&](Entry &e) { e.output("y", mapped(e)); });
  other.entry("f", [&](Entry &e) { e.output("y", looped(e)); });
  auto arguments = test::randomArguments(program.module(), "f", 7, 0.6);
  auto values = [&](const Program &each) {
    return test::interpretEntry(each.module(), "f", arguments).at("y");
  };
  HostTensor y = values(program), expected = values(other);
  ASSERT_EQ(y.shape(), expected.shape());
  EXPECT_LT(test::distance(y, expected), 1e-12);
  EXPECT_GT(test::distance(y, HostTensor(y.type), 1), 1e-3) << "all zero";
  test::CompiledProgram compiled(program.module());
  EXPECT_LT(test::distance(compiled.run("f", arguments).at("y"), y), 1e-5);
}

Tensor row(const Tensor &x, int64_t i) {
  Extents start(x.rank()), size = x.shape();
  start[0] = i;
  size[0] = 1;
  Extents shape(size.begin() + 1, size.end());
  return reshape(slice(x, start, size), shape);
}

// f of each row, stacked
Tensor loop(const Tensor &x, const std::function<Tensor(const Tensor &)> &f) {
  Operands rows;
  for (int64_t i = 0; i < x.extent(0); ++i)
    rows.push_back(expand(f(row(x, i)), 0));
  return concat(rows, 0);
}
Tensor map(const Tensor &x, const std::function<Tensor(const Tensor &)> &f) {
  return vmap({x}, [&](auto &rows) { return std::vector{f(rows[0])}; })[0];
}

// one hidden layer with a normalised, gated row and a scalar result
struct Net {
  explicit Net(Entry &e)
      : w1(e.input("w1", {4, 8})), b1(e.input("b1", {8})),
        w2(e.input("w2", {8, 3})) {}
  Tensor operator()(const Tensor &x) const {
    Tensor h = layernorm(mish(linear(x, w1, b1)), 1e-3);
    return sum(tanh(linear(h, w2, 0.1)) * softmax(slice(x, {0}, {3}), 0));
  }
  Tensor w1, b1, w2;
};

TEST(Vmap, GradientsPerSample) {
  // towards the example, and towards what all examples share
  auto towards_row = [](Entry &e, auto each) {
    Net net(e);
    return each(e.input("x", {5, 4}),
                [=](const Tensor &x) { return grad(net(x), {x})[0]; });
  };
  expect_equal([&](Entry &e) { return towards_row(e, map); },
               [&](Entry &e) { return towards_row(e, loop); });
  auto towards_weights = [](Entry &e, auto each) {
    Net net(e);
    return each(e.input("x", {5, 4}), [=](const Tensor &x) {
      auto g = grad(net(x), {net.w1, net.w2, net.b1});
      return concat({reshape(g[0], {32}), reshape(g[1], {24}), g[2]}, 0);
    });
  };
  expect_equal([&](Entry &e) { return towards_weights(e, map); },
               [&](Entry &e) { return towards_weights(e, loop); });
}

// dq/da of K actions per state: one map inside the other
TEST(Vmap, NestsForGradientsTowardsActions) {
  auto gradients = [](Entry &e, auto each) {
    Net q(e);
    Tensor pair = concat(
        {repeat(e.input("obs", {3, 2}), 6, 1), e.input("action", {3, 6, 2})},
        2);
    return each(pair, [&](const Tensor &candidates) {
      return each(candidates, [&](const Tensor &row) {
        Tensor obs = slice(row, {0}, {2}), action = slice(row, {2}, {2});
        return grad(q(concat({obs, action}, 0)), {action})[0];
      });
    });
  };
  expect_equal([&](Entry &e) { return gradients(e, map); },
               [&](Entry &e) { return gradients(e, loop); });
}

// what all examples share stays one matrix, times the rows of all of them
TEST(Vmap, MultipliesSharedMatricesOnce) {
  Program program("test");
  program.entry("f", [](Entry &e) {
    Net q(e);
    auto slope = [&](const Tensor &x) { return grad(q(x), {x})[0]; };
    e.output("y", map(e.input("x", {3, 6, 4}),
                      [&](const Tensor &rows) { return map(rows, slope); }));
  });
  int products = 0;
  program.module()->walk([&](MatmulOp op) {
    ++products;
    EXPECT_EQ(shapeOf(op.getResult()).size(), 2u);
    EXPECT_EQ(shapeOf(op.getResult()).front(), 18);
  });
  EXPECT_EQ(products, 4); // two layers, forward and backward
}

// reverse over the map, over a tangent per example
TEST(Vmap, IsDifferentiatedFromOutside) {
  auto penalty = [](Entry &e, auto each) {
    Net net(e);
    Tensor slopes = each(e.input("x", {5, 4}), [=](const Tensor &x) {
      return jvp(net(x), {x}, {2 * x});
    });
    return grad(sum(square(slopes)), {net.w1})[0];
  };
  expect_equal([&](Entry &e) { return penalty(e, map); },
               [&](Entry &e) { return penalty(e, loop); });
}

// carries that differ from the first step on, from the second, or never
TEST(Vmap, MapsScans) {
  auto integrate = [](Entry &e, auto each) {
    Tensor w = e.input("w", {4, 4}), times = e.input("t", {3, 4});
    return each(e.input("x", {5, 4}), [&](const Tensor &x) {
      auto step = [&](auto &carries, auto &xs) {
        Tensor next = tanh(linear(carries[0], w, xs[0]) + carries[1]);
        return ScanStep{{next, carries[1] * x, carries[2] + 1},
                        {next * carries[2], xs[0]}};
      };
      Tensor zero = fill(x, {4}, 0.3);
      ScanStep end = scan(3, {x, zero, zero}, {times}, step, true);
      Tensor all = concat({end.carries[0], end.carries[1], end.carries[2],
                           reshape(end.ys[0], {12}), reshape(end.ys[1], {12})},
                          0);
      return grad(sum(square(all)), {x})[0] + slice(all, {0}, {4});
    });
  };
  expect_equal([&](Entry &e) { return integrate(e, map); },
               [&](Entry &e) { return integrate(e, loop); });
}

TEST(Vmap, MapsTheAxesItIsToldAndRepeatsWhatIsShared) {
  expect_equal(
      [](Entry &e) {
        Tensor x = e.input("x", {2, 5}), y = e.input("y", {4, 3, 5});
        auto f = [](auto &in) {
          Tensor both = matmul(in[1], expand(concat({in[0], in[0]}, 0), 1));
          return std::vector{both, exp(slice(in[1] * 0, {0, 0}, {1, 1}))};
        };
        auto results = vmap({x, transpose(y, {1, 0, 2})}, f, {1, -1});
        auto shared = vmap({x}, [&](auto &) { return std::vector{y}; }, {1});
        return results[0] + results[1] + mean(shared[0]);
      },
      [](Entry &e) {
        Tensor x = e.input("x", {2, 5}), y = e.input("y", {4, 3, 5});
        Operands parts;
        for (int64_t i = 0; i < 5; ++i) {
          Tensor one = reshape(slice(x, {0, i}, {2, 1}), {2, 1});
          Tensor m = reshape(slice(y, {0, 0, i}, {4, 3, 1}), {4, 3});
          parts.push_back(
              expand(matmul(transpose(m, {1, 0}), concat({one, one}, 0)), 0));
        }
        return concat(parts, 0) + 1 + mean(y);
      });
}

std::string message(const std::function<void(Entry &, Tensor)> &body) {
  Program program("test");
  try {
    program.entry("f", [&](Entry &e) { body(e, e.input("x", {5, 4})); });
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

TEST(Vmap, RefusesWhatDoesNotFit) {
  auto same = [](auto &rows) { return rows; };
  EXPECT_THAT(message([&](Entry &, Tensor) { vmap({}, same); }),
              HasSubstr("vmap: inputs must hold a tensor: got none"));
  EXPECT_THAT(message([&](Entry &, Tensor x) { vmap({x}, same, {0, 0}); }),
              HasSubstr("vmap: must have one axis per input: got 2 for 1"));
  EXPECT_THAT(message([&](Entry &, Tensor x) { vmap({x}, same, {2}); }),
              HasSubstr("vmap: axis must be in [-2, 2): got 2 for 5x4"));
  EXPECT_THAT(message([&](Entry &, Tensor x) { vmap({x, x}, same, {0, 1}); }),
              HasSubstr("vmap: mapped axes must have one extent: got 5 and 4"));
  EXPECT_THAT(message([&](Entry &, Tensor x) { vmap({x, Tensor()}, same); }),
              HasSubstr("vmap: tensors must belong to one entry point"));
  EXPECT_THAT(message([&](Entry &e, Tensor) { vmap({e.scalar(1)}, same); }),
              HasSubstr("vmap: inputs must have an axis to map: got ()"));
  // the body stays known, so that what leaks of it is refused
  EXPECT_THAT(message([&](Entry &, Tensor x) {
                Tensor leaked;
                vmap({x}, [&](auto &rows) {
                  leaked = exp(rows[0]);
                  return rows;
                });
                exp(leaked);
              }),
              HasSubstr("tensor must be used inside the body that made it"));
}

TEST(Vmap, NoiseIsDrawnOutside) {
  EXPECT_THAT(message([](Entry &e, Tensor x) {
                Key key(e.count(1), e.count(2), "f");
                map(x,
                    [&](const Tensor &y) { return y + key.normal("a", {4}); });
              }),
              HasSubstr("noise must be drawn outside of a vmap's body, one "
                        "draw for all its runs: got 'f/a' inside"));
  EXPECT_THAT(message([](Entry &e, Tensor) {
                Tensor seeds = e.input("seeds", {5}, Element::count);
                map(seeds, [&](const Tensor &seed) {
                  return convert(randomkey(seed, e.count(0)), Element::real);
                });
              }),
              HasSubstr("vmap: 'randomkey' must not depend on the example: "
                        "make keys and draw noise outside"));
}

} // namespace
} // namespace phlox
