// What the variants of an artifact for bf16 hold.
#include "compiler/artifact/Link.h"
#include "dsl/program.h"
#include "test/support/compiled_functions.h"
#include "test/support/disassembly.h"
#include "test/support/program_runner.h"
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace phlox {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

size_t count(const std::string &text, const std::string &part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1))
    found++;
  return found;
}

struct Compiled {
  Program program{"products"};
  CompileOptions options;

  explicit Compiled(const std::string &precision, Amx amx = Amx::on) {
    options.target = "x86-64-v4";
    options.precision = precision;
    options.amx = amx;
    options.embedIr = false;
    program.entry("f", [](Entry &e) {
      Tensor a = e.input("a", {64, 100}), b = e.input("b", {100, 72});
      e.output("y", mish(matmul(a, b)));
    });
  }
  std::string disassembly(const std::string &name) {
    auto compiled = compile(program.module(), options);
    if (!compiled)
      return llvm::toString(compiled.takeError());
    std::string path = testing::TempDir() + "phlox_amx_" + name + ".o";
    llvm::cantFail(artifact::writeObject(*compiled, path));
    EXPECT_EQ(test::outputOf(PHLOX_NM " --undefined-only " + path), "");
    std::string text =
        test::outputOf(PHLOX_OBJDUMP " -d --no-show-raw-insn " + path);
    std::filesystem::remove(path);
    return text;
  }
};

std::string textOf(const test::Loop &loop) {
  std::string text;
  for (const test::Instruction &each : loop)
    text += each.text + "\n";
  return text;
}

TEST(PairObject, KeepsSumsInRegisters) {
  std::string text = Compiled("bf16", Amx::off).disassembly("pairs");
  EXPECT_THAT(text, ContainsRegex("vcvtne2?ps2bf16"));
  std::vector<size_t> found; // sums of 8 rows: of 32 columns, of the last 8
  for (const test::Loop &loop : test::innermostLoops(text, "_matmul_code")) {
    std::string body = textOf(loop);
    if (count(body, "vdpbf16ps") == 0)
      continue;
    found.push_back(count(body, "vdpbf16ps"));
    EXPECT_EQ(count(body, "rsp") + count(body, "call"), 0u) << body;
  }
  EXPECT_EQ(found, (std::vector<size_t>{16, 8}));
}

TEST(AmxObject, KeepsSumsInRegisters) {
  // loads and products of a block's loop, and of one of 8 columns
  const std::map<std::string, std::vector<size_t>> expected = {
      {"bf16", {4, 4, 3, 2}}, {"high", {8, 12, 6, 6}}};
  for (const auto &[precision, counts] : expected) {
    SCOPED_TRACE(precision);
    std::string text = Compiled(precision).disassembly("products");
    EXPECT_EQ(count(text, "ldtilecfg"), 1u);
    EXPECT_THAT(text, ContainsRegex("vcvtne2?ps2bf16"));
    std::vector<size_t> found;
    for (const test::Loop &loop : test::innermostLoops(text, "_matmul_code")) {
      std::string body = textOf(loop);
      if (count(body, "tdpbf16ps") == 0)
        continue;
      found.push_back(count(body, "tileload"));
      found.push_back(count(body, "tdpbf16ps"));
      EXPECT_EQ(count(body, "tilestore"), 0u) << body;
    }
    EXPECT_EQ(found, counts);
  }
}

// Hides AMX, so that every machine behaves as one without.
struct WithoutAmx {
  WithoutAmx() { setenv("PHLOX_MAX_ISA", "x86-64-v4", 1); }
  ~WithoutAmx() { unsetenv("PHLOX_MAX_ISA"); }
};

TEST(AmxVariant, StandsBesideTheOthers) {
  if (!test::runsTarget("x86-64-v4"))
    GTEST_SKIP() << "this machine lacks AVX-512";
  WithoutAmx hidden;
  Compiled both("high"), plain("high");
  plain.options.amx = Amx::off;
  test::CompiledProgram first(both.program.module(), both.options),
      second(plain.program.module(), plain.options);
  ASSERT_EQ(first.table().variant_count, 2u);
  EXPECT_STREQ(first.table().variants[0].target, "amx-bf16x3");
  EXPECT_EQ(first.table().variants[0].isa, 0x1ffu);
  auto in = test::randomArguments(both.program.module(), "f", 5);
  EXPECT_EQ(first.run("f", in).at("y").reals,
            second.run("f", in).at("y").reals);
}

// f32 in its place would not be what was asked for
TEST(AmxVariant, LeavesNoneWithF32ForBf16) {
  WithoutAmx hidden;
  Compiled made("bf16");
  try {
    test::CompiledProgram refused(made.program.module(), made.options);
    FAIL() << "must be refused";
  } catch (const std::runtime_error &error) {
    EXPECT_THAT(error.what(), HasSubstr("got none: amx-bf16 lacks"));
    EXPECT_THAT(error.what(), HasSubstr("AMX-TILE, AMX-BF16"));
    EXPECT_THAT(error.what(), ContainsRegex("avx512-bf16 lacks .*AVX512-BF16"));
  }
}

} // namespace
} // namespace phlox
