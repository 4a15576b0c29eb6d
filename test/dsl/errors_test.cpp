// Mistakes are found where they are made: every message names this file, the
// line of the call, what was required and what was got.
#include "dsl/program.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// what tracing `body` throws, "" if nothing
std::string message(const std::function<void(Entry &)> &body) {
  Program program("test");
  try {
    program.entry("f", body);
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

std::string here(unsigned line) {
  return "errors_test.cpp:" + std::to_string(line) + ":";
}

TEST(Errors, MatmulNamesFileLineAndBothShapes) {
  unsigned line = 0;
  std::string text = message([&](Entry &e) {
    Tensor x = e.input("x", {256, 17}), w = e.input("w", {23, 256});
    line = __LINE__ + 1;
    matmul(x, w);
  });
  EXPECT_THAT(text, StartsWith(here(line)));
  EXPECT_THAT(text, HasSubstr(": error: [matmul_c2] contracting dims differ: "
                              "lhs 256x17, rhs 23x256"));
}

TEST(Errors, OperatorsNameTheirLine) {
  unsigned line = 0;
  std::string text = message([&](Entry &e) {
    Tensor x = e.input("x", {4, 3}), y = e.input("y", {4});
    line = __LINE__ + 1;
    static_cast<void>(x * y);
  });
  EXPECT_THAT(text, StartsWith(here(line)));
  EXPECT_THAT(text, HasSubstr("[mul_c1] operands must broadcast to one shape: "
                              "got 4x3 and 4"));
}

TEST(Errors, SugarNamesTheCallersLine) {
  unsigned line = 0;
  std::string text = message([&](Entry &e) {
    Tensor x = e.input("x", {4, 3});
    line = __LINE__ + 1;
    sum(x, 2);
  });
  EXPECT_THAT(text, StartsWith(here(line)));
  EXPECT_THAT(text, HasSubstr("sum: axis must be in [-2, 2): got 2 for 4x3"));
}

TEST(Errors, VerifiersAndElementTypes) {
  EXPECT_THAT(message([](Entry &e) { mish(e.input("x", {2}), 3); }),
              HasSubstr("[mish_c2]"));
  EXPECT_THAT(message([](Entry &e) { exp(e.count(3)); }),
              HasSubstr("phlox.exp"));
  EXPECT_THAT(message([](Entry &e) { add(e.scalar(1), e.count(3)); }),
              HasSubstr("phlox.add"));
  EXPECT_THAT(message([](Entry &e) { softmax(e.input("x", {2}), 1); }),
              HasSubstr("[softmax_c1]"));
  EXPECT_THAT(message([](Entry &e) { concat({}, 0); }),
              HasSubstr("concat: one operand must be a tensor: got none"));
  EXPECT_THAT(message([](Entry &) { exp(2.0); }),
              HasSubstr("exp: one operand must be a tensor: got numbers only"));
  EXPECT_THAT(message([](Entry &) { sum(2.0); }),
              HasSubstr("sum: operand must be a tensor: got a number"));
  EXPECT_THAT(message([](Entry &e) { linear(e.scalar(1), e.scalar(1), 0); }),
              HasSubstr("linear: x must have rank 1 or more: got ()"));
}

TEST(Errors, AxesAndConstants) {
  EXPECT_THAT(message([](Entry &e) { e.input("x", {4}).extent(1); }),
              HasSubstr("axis must be in [-1, 1): got 1"));
  EXPECT_THAT(
      message([](Entry &e) { iota(e.trace(), {4}, 1, Element::index); }),
      HasSubstr("[iota_c1] axis must be in [0, 1): got 1"));
  EXPECT_THAT(message([](Entry &e) {
                constant(e.trace(), {3}, std::vector<float>{1, 2});
              }),
              HasSubstr("constant of shape 3 must have 3 numbers: got 2"));
}

TEST(Errors, NamesOfEntryPoints) {
  EXPECT_THAT(message([](Entry &e) {
                e.input("x", {2});
                e.input("x", {2});
              }),
              HasSubstr("input must have a name of its own: 'x' is taken"));
  EXPECT_THAT(message([](Entry &e) { e.input("", {2}); }),
              HasSubstr("input must have a name: got none"));
  EXPECT_THAT(message([](Entry &e) { e.input("x", {0}); }),
              HasSubstr("input 'x' must have extents of 1 or more: got 0"));
  EXPECT_THAT(message([](Entry &e) {
                e.output("y", e.scalar(1));
                e.output("y", e.scalar(1));
              }),
              HasSubstr("output must have a name of its own: 'y' is taken"));
  EXPECT_THAT(message([](Entry &e) { e.output("y", Tensor()); }),
              HasSubstr("output 'y' must be a tensor of its entry point"));
  Program program("test");
  program.entry("f", [](Entry &) {});
  EXPECT_THROW(program.entry("f", [](Entry &) {}), Error);
  program.leaf("a", {2});
  EXPECT_THROW(program.leaf("a", {3}), Error);
  EXPECT_THROW(program.counter("a"), Error);
}

TEST(Errors, LeavesKeepTheirTypeAndProgram) {
  Program program("test"), other("other");
  Leaf leaf = program.leaf("a/weight", {2, 3}), count = program.counter("n");
  Leaf foreign = other.leaf("a/weight", {2, 3});
  auto text = [&](const std::function<void(Entry &)> &body) -> std::string {
    static int number = 0;
    try {
      program.entry("f" + std::to_string(number++), body);
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(text([&](Entry &e) { e.write(leaf, e.input("x", {3, 2})); }),
              HasSubstr("leaf 'a/weight' must be written as f32 2x3: got f32 "
                        "3x2"));
  EXPECT_THAT(text([&](Entry &e) { e.write(count, e.scalar(1)); }),
              HasSubstr("leaf 'n' must be written as u64 (): got f32 ()"));
  EXPECT_THAT(text([&](Entry &e) { e.read(foreign); }),
              HasSubstr("must belong to the program of its entry point"));
  EXPECT_EQ(text([&](Entry &e) { e.write(leaf, 0.5), e.write(count, 7); }), "");
}

TEST(Errors, TensorsStayInTheirEntryPoint) {
  Program program("test");
  Tensor leaked;
  program.entry("f", [&](Entry &e) { leaked = e.input("x", {2}); });
  auto text = [&](const std::function<void(Entry &)> &body) -> std::string {
    try {
      program.entry("g", body);
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(text([&](Entry &) { exp(leaked); }),
              HasSubstr("'f' is complete"));
  EXPECT_THROW(
      program.entry("h", [&](Entry &e) { add(e.input("y", {2}), leaked); }),
      Error);
  EXPECT_THROW(program.entry("i", [&](Entry &e) { e.output("y", leaked); }),
               Error);
}

TEST(Errors, NoiseStreamsAreDistinct) {
  auto with_key = [](const std::function<void(const Key &)> &body) {
    return message([&](Entry &e) { body(Key(e.count(1), e.count(2), "f")); });
  };
  EXPECT_THAT(with_key([](const Key &key) {
                key.normal("a", {2});
                key.uniform("a", {2});
              }),
              HasSubstr("noise stream must be drawn once per entry point: got "
                        "'f/a' twice"));
  // two names with one FNV-1a hash, found by search
  EXPECT_THAT(with_key([](const Key &key) {
                key.normal("uouscoek", {2});
                key.normal("dhusjsdg", {2});
              }),
              HasSubstr("noise streams must have distinct hashes: got "
                        "'f/uouscoek' and 'f/dhusjsdg'"));
  EXPECT_EQ(hash_stream("train_step/proposal"), 0xa8efc387u);
}

TEST(Errors, DerivativesCheckTheirOperands) {
  EXPECT_THAT(message([](Entry &e) {
                Tensor x = e.input("x", {2});
                grad(x, {x});
              }),
              HasSubstr("grad: loss must be a real scalar: got shape 2"));
  EXPECT_THAT(message([](Entry &e) {
                Tensor x = e.input("x", {2});
                jvp(x, {x}, {e.input("v", {3})});
              }),
              HasSubstr("jvp: tangent 0 must be 2 as its input: got 3"));
  EXPECT_THAT(message([](Entry &e) {
                Tensor x = e.input("x", {2});
                jvp(x, {x}, {1, 2});
              }),
              HasSubstr("jvp: must have one tangent per input: got 2 for 1"));
  EXPECT_THAT(message([](Entry &e) { grad(e.scalar(1), {Tensor()}); }),
              HasSubstr("grad: tensors must belong to one entry point"));
}

} // namespace
} // namespace phlox
