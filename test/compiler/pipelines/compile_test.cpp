// Compiled programs against the f64 interpreter, from small graphs to a train
// step of a network.
#include "compiler/pipelines/BuildId.h"
#include "dsl/program.h"
#include "test/support/program_runner.h"
#include <gtest/gtest.h>
#include <set>

namespace phlox {
namespace {

void expectSame(Program &program, const std::string &entry, double bound,
                double scale = 1) {
  auto module = program.module();
  test::CompiledProgram compiled(module);
  auto arguments = test::randomArguments(module, entry, 1, scale);
  auto expected = test::interpretEntry(module, entry, arguments);
  auto actual = compiled.run(entry, arguments);
  for (auto &[name, tensor] : expected)
    EXPECT_LE(test::distance(actual.at(name), tensor), bound)
        << entry << " " << name;
}

TEST(Compile, ElementwiseWithBroadcastAndTail) {
  Program program("pointwise");
  program.entry("f", [](Entry &e) {
    auto x = e.input("x", {33, 7}), y = e.input("y", {7}),
         z = e.input("z", {33, 1});
    e.output("sum", x * y + exp(z) * 0.5);
    e.output("flat", tanh(x) * tanh(x));
  });
  expectSame(program, "f", 3e-6);
}

TEST(Compile, Reductions) {
  Program program("reductions");
  program.entry("f", [](Entry &e) {
    auto x = e.input("x", {5, 37, 100});
    for (auto axes :
         {std::vector<int64_t>{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 2}, {0, 1, 2}})
      for (auto kind :
           {Reduction::sum, Reduction::mean, Reduction::max, Reduction::min}) {
        std::string name = stringifyReduction(kind).str();
        for (int64_t axis : axes)
          name += "_" + std::to_string(axis);
        e.output(name, reduce(kind, x * x + x, axes));
      }
  });
  expectSame(program, "f", 2e-5);
}

struct MatmulCase {
  int64_t m, k, n;
};
class Matmuls : public testing::TestWithParam<MatmulCase> {};
TEST_P(Matmuls, WithEpilogueAndTransposes) {
  auto [m, k, n] = GetParam();
  Program program("matmul");
  program.entry("f", [&](Entry &e) {
    auto x = e.input("x", {m, k}), w = e.input("w", {k, n}),
         b = e.input("b", {n});
    auto dy = e.input("dy", {m, n});
    e.output("y", mish(matmul(x, w) + b));
    e.output("dw", matmul(transpose(x, {1, 0}), dy));
    e.output("dx", matmul(dy, transpose(w, {1, 0})));
  });
  expectSame(program, "f", 1e-5);
}
INSTANTIATE_TEST_SUITE_P(
    Shapes, Matmuls,
    testing::Values(MatmulCase{1, 1, 1}, MatmulCase{7, 16, 23},
                    MatmulCase{30, 100, 240}, MatmulCase{256, 23, 256},
                    MatmulCase{64, 256, 1}, MatmulCase{33, 17, 6},
                    MatmulCase{1, 256, 256}));

// a cached artifact of another build must not be taken for one of this
TEST(Compile, VersionNamesTheBuild) {
  ASSERT_EQ(buildId().size(), 40u);
  EXPECT_NE(compilerVersion().find(buildId().substr(0, 12)), std::string::npos);
}

TEST(Compile, StateInPlaceAndScan) {
  Program program("state");
  auto p = program.leaf("p", {19, 5}), m = program.leaf("m", {19, 5});
  auto q = program.leaf("q", {19, 5});
  program.entry("f", [&](Entry &e) {
    auto x = e.input("x", {4, 19, 5});
    auto old = e.read(p);
    auto next = e.read(m) * 0.9 + old * 0.1;
    e.write(m, next);
    e.write(p, old - next * 0.5);
    e.write(q, old);
    auto steps = scan(4, {old}, {x}, [&](auto &carries, auto &xs) {
      auto c = carries[0] * 0.5 + sin(xs[0]) * next;
      return ScanStep{{c}, {c * c}};
    });
    e.output("last", steps.carries[0]);
    e.output("all", steps.ys[0]);
  });
  expectSame(program, "f", 1e-5);
}

TEST(Compile, EveryRewriteMayBeLeftOut) {
  Program program("reshapes");
  program.entry("f", [](Entry &e) {
    Tensor x = reshape(e.input("x", {6, 4}), {24});
    e.output("y", reshape(exp(x), {6, 4}));
  });
  EXPECT_FALSE(rewriteNames().empty());
  std::set<std::string> hashes = {contentHash(program.module(), {})};
  for (const std::string &name : rewriteNames()) {
    CompileOptions options;
    options.without = {name};
    EXPECT_TRUE(bool(compile(program.module(), options))) << name;
    EXPECT_TRUE(hashes.insert(contentHash(program.module(), options)).second)
        << name;
  }
}

} // namespace
} // namespace phlox
