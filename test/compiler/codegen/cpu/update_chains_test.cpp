// Kernels that write leaves tile by tile: which ones join, and that none reads
// what another has overwritten.
#include "test/support/planned.h"

namespace phlox::cpu {
namespace {

using test::expectSame;
using test::Planned;

TEST(UpdateChains, MomentsParameterAndAverageRunTogether) {
  Program program("adam");
  Leaf p = program.leaf("p", {128, 40}), m = program.leaf("m", {128, 40}),
       v = program.leaf("v", {128, 40}), a = program.leaf("a", {128, 40});
  program.entry("f", [&](Entry &e) {
    Tensor g = e.input("g", {128, 40});
    Tensor ok = compare(Comparison::gt, sum(g, {0, 1}), -1e9);
    Tensor first = 0.9 * e.read(m) + 0.1 * g;
    Tensor second = 0.99 * abs(e.read(v)) + 0.01 * square(g);
    Tensor next = e.read(p) - 0.1 * first / (sqrt(second) + 1e-3);
    auto write = [&](const Leaf &leaf, const Tensor &value) {
      e.write(leaf, select(ok, value, e.read(leaf)));
    };
    write(m, first);
    write(v, second);
    write(p, next);
    write(a, 0.1 * next + 0.9 * e.read(a));
  });
  // four leaves, and two values that several of them read
  EXPECT_EQ(Planned(program).lengths(), (std::vector<size_t>{6}));
  expectSame(program);
}

// other rows of what one writes are what the other reads
TEST(UpdateChains, WhatIsReadTurnedIsNotOverwrittenBefore) {
  Program program("turned");
  Leaf p = program.leaf("p", {128, 128}), q = program.leaf("q", {128, 128});
  program.entry("f", [&](Entry &e) {
    Tensor x = e.read(p), y = e.read(q);
    e.write(p, 0.5 * x + y);
    e.write(q, y + transpose(x, {1, 0}));
  });
  EXPECT_EQ(Planned(program).lengths(), std::vector<size_t>{});
  expectSame(program);
}

// each reads what the other overwrites: one old value is saved first
TEST(UpdateChains, LeavesThatReadEachOther) {
  Program program("crossed");
  Leaf p = program.leaf("p", {128, 16}), q = program.leaf("q", {128, 16});
  program.entry("f", [&](Entry &e) {
    Tensor x = e.read(p), y = e.read(q);
    e.write(p, sin(x) + y);
    e.write(q, cos(y) - x);
  });
  expectSame(program);
}

// the sum of all new values lies between two writes
TEST(UpdateChains, AReductionBetweenKeepsThemApart) {
  Program program("between");
  Leaf p = program.leaf("p", {128, 16}), q = program.leaf("q", {128, 16});
  program.entry("f", [&](Entry &e) {
    Tensor x = e.read(p), y = e.read(q);
    Tensor next = sin(x) + y;
    e.write(p, next);
    e.write(q, y * broadcast(mean(next, {0, 1}), {128, 16}) + x);
  });
  expectSame(program);
}

} // namespace
} // namespace phlox::cpu
