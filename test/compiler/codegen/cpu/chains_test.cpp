// Kernels that run tile of rows by tile of rows: which ones join, what memory
// they need, and that numbers stay those of the interpreter.
#include "test/support/planned.h"
#include <random>

namespace phlox::cpu {
namespace {

using test::expectSame;
using test::Planned;

Tensor network(Entry &e, const std::string &name, const Tensor &x,
               const std::vector<int64_t> &widths) {
  Tensor h = x;
  for (size_t i = 0; i < widths.size(); i++) {
    std::string layer = name + std::to_string(i);
    Tensor w = e.input(layer + "w", {h.extent(1), widths[i]});
    h = matmul(h, w) +
        broadcast(e.input(layer + "b", {widths[i]}), {h.extent(0), widths[i]});
    if (i + 1 < widths.size())
      h = mish(h);
  }
  return h;
}

TEST(Chains, TwoNetworksNeedTilesOnly) {
  Program program("networks");
  program.entry("f", [](Entry &e) {
    Tensor x = e.input("x", {1280, 23});
    Tensor p = network(e, "p", x, {40, 33, 1});
    Tensor q = network(e, "q", x, {40, 33, 1});
    e.output("least", min(p, q));
  });
  Planned planned(program);
  // the minimum joins one network; computed with one's last product it would
  // hold that one's rows back until the other has run
  EXPECT_EQ(planned.lengths(), (std::vector<size_t>{4, 3}));
  // the rows of the narrower layer alone would take 1280 x 33 x 4 bytes
  EXPECT_LT(planned.plan->scratchBytes, 1280 * 33 * 4);
  expectSame(program);
}

TEST(Chains, FewRowsRunByTilesToo) {
  Program program("few");
  program.entry("f", [](Entry &e) {
    e.output("y", network(e, "p", e.input("x", {160, 23}), {40, 33, 1}));
  });
  EXPECT_EQ(Planned(program).lengths(), (std::vector<size_t>{3}));
  expectSame(program);
}

// a value that each step reads twice: 2^40 ways lead back to the product
TEST(Chains, AColumnIsFollowedOncePerValue) {
  Program program("powers");
  program.entry("f", [](Entry &e) {
    Tensor y = matmul(e.input("x", {1280, 23}), e.input("w", {23, 1}));
    for (int i = 0; i < 40; i++)
      y = y * y;
    e.output("y", y);
  });
  EXPECT_EQ(Planned(program).plan->region->kernels.size(), 1u);
}

TEST(Chains, ReshapesBetweenLayersVanish) {
  Program program("reshaped");
  program.entry("f", [](Entry &e) {
    Tensor h = e.input("x", {32, 40, 7});
    for (int i = 0; i < 3; i++) {
      Tensor w = e.input("w" + std::to_string(i), {h.extent(2), 24});
      h = mish(
          reshape(matmul(reshape(h, {1280, h.extent(2)}), w), {32, 40, 24}));
    }
    e.output("y", sum(h, 1));
  });
  EXPECT_EQ(Planned(program).lengths(), (std::vector<size_t>{3}));
  expectSame(program);
}

// a state's part of a layer is computed once and read by all its rows inside
TEST(Chains, RepeatedRowsStayInside) {
  Program program("repeated");
  program.entry("f", [](Entry &e) {
    Tensor s = e.input("s", {32, 9}), a = e.input("a", {32, 40, 3});
    Tensor h = mish(linear(concat({repeat(s, 40, 1), a}, 2),
                           e.input("v", {12, 24}), e.input("b", {24})));
    Tensor y = linear(h, e.input("w", {24, 5}), e.input("c", {5}));
    e.output("y", y);
  });
  Planned planned(program);
  EXPECT_EQ(planned.lengths(), (std::vector<size_t>{2}));
  // one layer of all rows would take 1280 x 24 x 4 bytes
  EXPECT_LT(planned.plan->scratchBytes, 1280 * 24 * 4 / 2);
  expectSame(program);
}

// the same read by one column's vectors: lanes of two states
TEST(Chains, OneColumnReadsRepeatedRows) {
  Program program("column");
  program.entry("f", [](Entry &e) {
    Tensor s = e.input("s", {52, 1}), x = e.input("x", {1300, 40});
    Tensor y = matmul(x, e.input("w", {40, 1}));
    e.output("y", tanh(y) * stretch(s, 25, 0));
  });
  expectSame(program);
}

TEST(Chains, WhatOthersReadKeepsItsMemory) {
  Program program("backward");
  program.entry("f", [](Entry &e) {
    Tensor x = e.input("x", {1100, 9}), w = e.input("w", {9, 20});
    Tensor h = tanh(matmul(x, w));
    Tensor y = matmul(h, e.input("v", {20, 5}));
    e.output("y", y);
    e.output("gradient", matmul(transpose(h, {1, 0}), y) / 1100);
  });
  EXPECT_EQ(Planned(program).lengths(), (std::vector<size_t>{2}));
  expectSame(program);
}

TEST(Chains, OtherRowsEndAChain) {
  Program program("shifted");
  program.entry("f", [](Entry &e) {
    Tensor x = e.input("x", {1024, 8}), w = e.input("w", {8, 8});
    Tensor h = tanh(matmul(x, w));
    Tensor shifted = pad(slice(h, {1, 0}, {1023, 8}), {1, 0}, {0, 0});
    e.output("y", matmul(shifted, w) + h);
  });
  expectSame(program);
}

// a reads b's first product, b reads a's: neither can run whole before
TEST(Chains, CrossedNetworksAreNotTwoChains) {
  Program program("crossed");
  program.entry("f", [](Entry &e) {
    Tensor x = e.input("x", {1024, 8}), w = e.input("w", {8, 8});
    Tensor a = tanh(matmul(x, w)), b = sin(matmul(x, w * 0.5));
    Tensor a2 = matmul(a, w) + broadcast(mean(b, 0), {1024, 8}),
           b2 = matmul(b, w) + broadcast(mean(a, 0), {1024, 8});
    e.output("y", matmul(a2, w) - matmul(b2, w));
  });
  expectSame(program);
}

TEST(Chains, RunInsideAScanAndBesideIt) {
  Program program("scan");
  program.entry("f", [](Entry &e) {
    Tensor x = e.input("x", {1024, 8}), w = e.input("w", {8, 8});
    Tensor first = matmul(tanh(matmul(x, w)), w) * 0.1;
    auto step = [&](auto &carries, auto &) {
      Tensor h = matmul(tanh(matmul(carries[0], w)), w);
      return ScanStep{{h * 0.1}, {}};
    };
    e.output("y", scan(3, {first}, {}, step).carries[0]);
  });
  EXPECT_EQ(Planned(program).lengths(), (std::vector<size_t>{2}));
  expectSame(program);
}

// the same memory under another shape is no longer row by row
TEST(Chains, ReshapesShowOtherRows) {
  Program program("reshape");
  program.entry("f", [](Entry &e) {
    Tensor x = e.input("x", {1024, 4}), w = e.input("w", {4, 4});
    Tensor q = tanh(matmul(x, w)), r = reshape(q, {4, 1024});
    e.output("sum", matmul(q, w) + transpose(r, {1, 0}));
    e.output("product", matmul(q, r));
  });
  expectSame(program);
}

// the next carry takes the memory that the first product still reads
TEST(Chains, CarriesAreReadAsTheyWere) {
  Program program("carry");
  program.entry("f", [](Entry &e) {
    Tensor m = e.input("m", {1024, 1024}) * 0.01;
    auto step = [&](auto &carries, auto &) {
      Tensor v = matmul(m, carries[0]);
      return ScanStep{{carries[0] + v}, {v}};
    };
    auto result = scan(3, {e.input("c", {1024, 4})}, {}, step);
    e.output("y", result.carries[0]);
    e.output("vs", result.ys[0]);
  });
  // sums of 1024 terms one after the other: rounded by about sqrt(1024) halves
  // of 2^-23 each, in three steps
  expectSame(program, 6e-6);
}

// rows that nothing divides run as before
TEST(Chains, OddRowsStayAlone) {
  Program program("odd");
  program.entry("f", [](Entry &e) {
    Tensor x = e.input("x", {1031, 8}), w = e.input("w", {8, 8});
    e.output("y", matmul(tanh(matmul(x, w)), w));
  });
  EXPECT_TRUE(Planned(program).lengths().empty());
  expectSame(program);
}

class RandomChains : public testing::TestWithParam<unsigned> {};

TEST_P(RandomChains, AgreeWithTheInterpreter) {
  std::mt19937 random(GetParam());
  auto pick = [&](size_t count) { return size_t(random() % count); };
  Program program("random");
  program.entry("f", [&](Entry &e) {
    static const int64_t rows[] = {1024, 1040, 1200}, widths[] = {1, 5, 16, 19};
    int64_t m = rows[pick(3)];
    std::vector<Tensor> values{e.input("x", {m, 16}), e.input("z", {m, 5})};
    for (int i = 0; i < 9; i++) {
      const Tensor x = values[pick(values.size())],
                   y = values[pick(values.size())];
      int64_t width = widths[pick(4)];
      switch (pick(8)) {
      case 0:
        values.push_back(tanh(x) * 0.5);
        break;
      case 1:
        values.push_back(x.shape() == y.shape() ? x + y : square(x) * 0.1);
        break;
      case 2: // a sum over all rows comes back to every row
        values.push_back(x - broadcast(mean(x, 0), x.shape()));
        break;
      case 3:
        e.output("o" + std::to_string(i), mean(x, 0));
        break;
      case 4: { // other rows of the same memory
        Extents turned = {x.extent(1), x.extent(0)};
        values.push_back(transpose(reshape(x, turned), {1, 0}));
        break;
      }
      case 5: {
        auto body = [&](auto &carries, auto &) {
          Tensor h = carries[0] * 0.5 + x * 0.1;
          return ScanStep{{tanh(h) - broadcast(mean(h, 0), h.shape())}, {}};
        };
        values.push_back(scan(2, {x}, {}, body).carries[0]);
        break;
      }
      default: {
        Tensor w = e.input("w" + std::to_string(i), {x.extent(1), width});
        values.push_back(tanh(matmul(x, w)));
      }
      }
    }
    e.output("last", values.back());
    e.output("mean", mean(values[pick(values.size())], 1));
  });
  expectSame(program);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomChains, testing::Range(0u, 16u));

} // namespace
} // namespace phlox::cpu
