// The machine code of whole algorithms at the sizes that people train: nobody
// is called, nothing is allocated, products keep their sums in registers.
#include "compiler/artifact/Link.h"
#include "compiler/pipelines/Compile.h"
#include "rl/algorithms/registry.h"
#include "test/support/disassembly.h"
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::test {
namespace {

class Assembly
    : public testing::TestWithParam<std::tuple<const char *, const char *>> {};

TEST_P(Assembly, CallsNobodyAndSpillsNothingInProducts) {
  auto [algorithm, target] = GetParam();
  Program program = rl::find_algorithm(algorithm)->build(
      {17, 6, "HalfCheetah-v5"}, nlohmann::json::object(), {1, 8});
  CompileOptions options;
  options.target = target;
  options.embedIr = false;
  auto compiled = compile(program.module(), options);
  ASSERT_TRUE(bool(compiled)) << llvm::toString(compiled.takeError());
  struct Removed {
    std::string path;
    ~Removed() { std::filesystem::remove(path); }
  } object{testing::TempDir() + "phlox_assembly_" + algorithm + target + ".o"};
  llvm::cantFail(artifact::writeObject(*compiled, object.path));

  // neither a library of mathematics nor an allocator nor the system
  EXPECT_EQ(outputOf(PHLOX_NM " --undefined-only " + object.path), "");
  std::string text =
      outputOf(PHLOX_OBJDUMP " -d --no-show-raw-insn " + object.path);
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("syscall")));
  // a stack that grows by a number known when running
  EXPECT_THAT(text, testing::Not(testing::ContainsRegex(
                        "subq\t%r[a-ds][a-z0-9]+, %rsp")));

  auto loops = hotLoops(text, options.target == "x86-64-v4" ? "%zmm" : "%ymm");
  EXPECT_GE(loops.size(), 20u);
  for (const HotLoop &loop : loops)
    EXPECT_EQ(loop.fault(), "") << loop.text;
}

INSTANTIATE_TEST_SUITE_P(Algorithms, Assembly,
                         testing::Combine(testing::Values("sac", "flame-r"),
                                          testing::Values("x86-64-v3",
                                                          "x86-64-v4")),
                         [](const auto &info) {
                           std::string name = std::get<0>(info.param);
                           name += std::get<1>(info.param);
                           std::erase(name, '-');
                           return name;
                         });

} // namespace
} // namespace phlox::test
