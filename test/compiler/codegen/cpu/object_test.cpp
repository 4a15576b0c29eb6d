// What is in an object: no library call, hot loops of fused multiply-adds
// without a spill.
#include "compiler/artifact/Link.h"
#include "dsl/program.h"
#include "test/support/disassembly.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace phlox {
namespace {

// every op that may tempt a compiler to call a library
void everything(Program &program) {
  auto w = program.leaf("w", {70, 33});
  program.entry("f", [&](Entry &e) {
    Tensor x = e.input("x", {40, 70}), weight = e.read(w);
    Key key(e.count(1), e.count(2), "f");
    Tensor y = matmul(x, weight) + key.normal("noise", {40, 33});
    e.output("exp", exp(y) + expm1(y) + log(abs(y)) + log1p(abs(y)));
    e.output("tanh", tanh(y) + sigmoid(y) + softplus(y) + mish(y));
    e.output("erf", gelu(y) + erf(y) + sin(y) + cos(y) + floor(y));
    e.output("pow", pow(abs(y), 0.3) + logaddexp(y, 2));
    Tensor t = key.truncnormal("t", y - 1, y + 1);
    e.output("pad", pad(t, {1, 1}, {2, 2}));
    e.output("zeros", fill(t, {300, 70}, 0));
    e.output("copy", x);
    e.output("inverse", inverse(slice(y, {0, 0}, {4, 4})));
    e.output("logdet", logdet(slice(y, {0, 0}, {4, 4})));
    e.output("one hot", one_hot(argmax(y, 1), 33));
    e.output("cumsum", cumsum(softmax(y, 1), 0, false));
    e.output("count", countrem(e.input("n", {}, Element::count), 7));
    e.write(w, weight * 0.9);
  });
}

TEST(Object, NeedsNoLibrary) {
  for (const char *target : {"x86-64-v3", "x86-64-v4"}) {
    Program program("everything");
    everything(program);
    CompileOptions options;
    options.target = target;
    auto compiled = compile(program.module(), options);
    ASSERT_TRUE(bool(compiled));
    std::string path = testing::TempDir() + "phlox_object_test.so";
    llvm::cantFail(artifact::writeShared(*compiled, path));
    EXPECT_EQ(test::outputOf(PHLOX_NM " -D --undefined-only " + path), "")
        << target;
    EXPECT_THAT(test::outputOf(PHLOX_NM " -D --defined-only " + path),
                testing::HasSubstr("phlox_executable_query"));
    EXPECT_THAT(test::outputOf(PHLOX_OBJDUMP " -p " + path),
                testing::Not(testing::HasSubstr("NEEDED")));
    unlink(path.c_str());
  }
}

class HotLoops : public testing::TestWithParam<const char *> {};

TEST_P(HotLoops, KeepTheirSumsInRegisters) {
  const std::string target = GetParam();
  Program program("matmul");
  program.entry("f", [&](Entry &e) {
    Tensor x = e.input("x", {256, 256}), w = e.input("w", {256, 256}),
           b = e.input("b", {256}), odd = e.input("odd", {250, 240});
    e.output("y", gelu(matmul(x, w) + b));
    e.output("dw", matmul(transpose(odd, {1, 0}), odd));
    for (int64_t rows : {1, 2, 3, 4, 5, 7})
      e.output("few" + std::to_string(rows),
               matmul(slice(x, {0, 0}, {rows, 256}), w));
  });
  CompileOptions options;
  options.target = target;
  auto compiled = compile(program.module(), options);
  ASSERT_TRUE(bool(compiled));
  std::string path = testing::TempDir() + "phlox_hot_" + target + ".o";
  llvm::cantFail(artifact::writeObject(*compiled, path));
  std::string text =
      test::outputOf(PHLOX_OBJDUMP " -d --no-show-raw-insn " + path);
  unlink(path.c_str());
  const bool isWide = target == "x86-64-v4";
  const std::string reg = isWide ? "%zmm" : "%ymm";
  size_t most = 0;
  auto loops = test::hotLoops(text, reg);
  for (const test::HotLoop &loop : loops) {
    most = std::max(most, loop.sums);
    EXPECT_EQ(loop.fault(), "") << loop.text;
  }
  EXPECT_GE(loops.size(), 8u) << text.substr(0, 2000);
  // accumulators of a full tile: 8 rows by 3 or 2 vectors, 6 rows by 2
  EXPECT_GE(most, isWide ? 16u : 12u);
}

INSTANTIATE_TEST_SUITE_P(Targets, HotLoops,
                         testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto &info) {
                           std::string name = info.param;
                           return name.substr(name.size() - 2);
                         });

} // namespace
} // namespace phlox
