// Noise: known answers of the generator, names of streams, and what
// --explicit-noise feeds in their place.
#include "dsl/program.h"
#include "test/support/algorithm_runner.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox {
namespace {

using test::Tensors;

Tensors whole_state(uint64_t seed, uint64_t step, mlir::ModuleOp module) {
  Tensors arguments = test::randomArguments(module, "f", 1);
  arguments.at("seed").counts[0] = seed;
  arguments.at("step").counts[0] = step;
  return arguments;
}

Key key_of(Entry &e, const std::string &prefix) {
  return Key(e.input("seed", {}, Element::count),
             e.input("step", {}, Element::count), prefix);
}

TEST(Key, KnownAnswers) {
  Program program("test");
  program.entry("f", [](Entry &e) {
    Key key = key_of(e, "train_step");
    e.output("u", key.uniform("proposal", {2}));
  });
  program.entry("g", [](Entry &e) {
    Key key = key_of(e, "train_step");
    e.output("n", key.normal("proposal", {2}));
  });
  Tensors arguments = whole_state(0x0123456789abcdef, 7, program.module());
  auto u = test::interpretEntry(program.module(), "f", arguments).at("u");
  EXPECT_EQ(u.reals[0], 0x1.63dc84p-2);
  EXPECT_EQ(u.reals[1], 0x1.0c86b6p-1);
  auto n = test::interpretEntry(program.module(), "g", arguments).at("n");
  EXPECT_NEAR(n.reals[0], -0.39202222, 1e-6);
  EXPECT_NEAR(n.reals[1], 0.06136381, 1e-6);
}

TEST(Key, EveryDrawCanBecomeAnInput) {
  Program program("test");
  program.entry("f", [](Entry &e) {
    Key key = key_of(e, "f");
    e.output("e", key.normal("e", {4}));
    e.output("u", key.uniform("u", {3}));
    e.output("s", key.sign("s", {5}));
    Tensor low = e.input("low", {3, 1});
    e.output("z", key.truncnormal(
                      "z", low,
                      low + constant(e.trace(), {2}, std::vector{.5f, 2.f})));
  });
  // the uniform numbers behind signs and truncated draws
  program.entry("g", [](Entry &e) {
    Key key = key_of(e, "f");
    e.output("s", key.uniform("s", {5}));
    e.output("z", key.uniform("z", {3, 2}));
  });
  auto module = test::explicit_noise(program);
  auto inputs = test::input_types(*module, "f");
  EXPECT_EQ(inputs["f/e"], "tensor<4xf32>");
  EXPECT_EQ(inputs["f/z"], "tensor<3x2xf32>");
  EXPECT_EQ(inputs.size(), 7u);

  Tensors arguments = whole_state(3, 4, program.module());
  Tensors drawn = test::interpretEntry(program.module(), "f", arguments);
  Tensors uniform = test::interpretEntry(program.module(), "g", arguments);
  arguments["f/e"] = drawn.at("e");
  arguments["f/u"] = drawn.at("u");
  arguments["f/s"] = uniform.at("s");
  arguments["f/z"] = uniform.at("z");
  Tensors fed = test::interpretEntry(*module, "f", arguments);
  for (auto &[name, value] : drawn)
    EXPECT_EQ(test::distance(fed.at(name), value), 0) << name;
  for (double sign : drawn.at("s").reals)
    EXPECT_EQ(std::abs(sign), 1);
  // another value of an input is another value of the draw
  arguments["f/e"].reals[2] = 9;
  EXPECT_EQ(test::interpretEntry(*module, "f", arguments).at("e").reals[2], 9);
}

TEST(Key, StreamsAndStepsDiffer) {
  Program program("test");
  program.entry("f", [](Entry &e) {
    Key key = key_of(e, "f");
    e.output("a", key.normal("a", {64}));
    e.output("b", key.normal("b", {64}));
  });
  auto draw = [&](uint64_t seed, uint64_t step, const char *name) {
    return test::interpretEntry(program.module(), "f",
                                whole_state(seed, step, program.module()))
        .at(name)
        .reals;
  };
  EXPECT_EQ(draw(1, 1, "a"), draw(1, 1, "a"));
  EXPECT_NE(draw(1, 1, "a"), draw(1, 1, "b"));
  EXPECT_NE(draw(1, 1, "a"), draw(1, 2, "a"));
  EXPECT_NE(draw(1, 1, "a"), draw(2, 1, "a"));
}

} // namespace
} // namespace phlox
