// A short run of the fuzzer, and every program that it once caught.
#include "compiler/pipelines/Compile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "test/fuzz/search.h"
#include <filesystem>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::fuzz {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Fuzz, ModesAgreeOnRandomPrograms) {
  Search what;
  what.seed = 20261121;
  what.programs = 150;
  what.targets = targetsHere();
  what.rewrites = rewriteNames();
  Tally tally = search(what, [](const Failure &failure) {
    ADD_FAILURE() << failure.problem << failure.text;
  });
  fmt::print("{}\n", textOf(tally));
  EXPECT_EQ(tally.programs, what.programs);
  EXPECT_GT(tally.reduced, 2);
  EXPECT_GT(tally.elements, 100000);
  EXPECT_GE(double(tally.meaningful), 0.95 * double(tally.elements));
}

// results of one program held against another's
std::vector<std::string> compareWith(double factor) {
  auto make = [](double number) {
    Program program("p");
    program.entry("f", [=](Entry &e) {
      Tensor x = e.input("x", {17, 5}), w = e.input("w", {5, 33});
      Tensor y = tanh(matmul(x, w)) * number;
      e.output("y", y);
      e.output("i", argmax(y, 1));
      e.output("loss", mean(square(y)));
    });
    return program;
  };
  Program wrong = make(factor), right = make(0.5);
  Tally tally;
  return differences(wrong.module(), makeReference(right.module()),
                     {"native", {}}, tally);
}

TEST(Fuzz, SeesSmallErrors) {
  EXPECT_THAT(compareWith(0.5), IsEmpty());
  EXPECT_THAT(compareWith(0.50002), testing::Contains(HasSubstr("y: ")));
  EXPECT_THAT(compareWith(0.50002), testing::Contains(HasSubstr("loss: ")));
  EXPECT_THAT(compareWith(-0.5), testing::Contains(HasSubstr("i: ")));
}

TEST(Fuzz, ReplaysOnlyWhatHasNames) {
  auto replayed = [](const std::string &attribute, Tally &tally) {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    context.loadDialect<PhloxDialect, mlir::func::FuncDialect>();
    auto program = mlir::parseSourceString<mlir::ModuleOp>(
        R"(module attributes {phlox.leaves = [], phlox.program = "p"} {
    func.func @f(%x: tensor<16x16xf32> )" +
            attribute + R"()
        -> (tensor<16x16xf32> {phlox.output = "y"}) {
      %y = phlox.matmul %x, %x : tensor<16x16xf32>, tensor<16x16xf32> -> tensor<16x16xf32>
      return %y : tensor<16x16xf32>
    }})",
        &context);
    return replay(*program, {"x86-64-v3"}, {}, {"f32", "bf16"}, tally);
  };
  Tally tally;
  try {
    replayed("", tally);
    FAIL();
  } catch (const std::exception &error) {
    EXPECT_STREQ(error.what(), "argument 0 of f must be named by phlox.leaf or "
                               "phlox.input: got neither");
  }
  EXPECT_THAT(replayed("{phlox.input = \"x\"}", tally), IsEmpty());
  EXPECT_EQ(tally.reduced, 1);
}

std::vector<std::string> knownPrograms() {
  std::vector<std::string> paths;
  for (auto &file : std::filesystem::directory_iterator(PHLOX_TESTDATA))
    if (file.path().extension() == ".mlir")
      paths.push_back(file.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

class Known : public testing::TestWithParam<std::string> {};

TEST_P(Known, ProgramsAgreeInEverySetting) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<PhloxDialect, mlir::func::FuncDialect>();
  auto program = mlir::parseSourceFile<mlir::ModuleOp>(GetParam(), &context);
  ASSERT_TRUE(program);
  Tally tally;
  EXPECT_THAT(replay(*program, targetsHere(), rewriteNames(),
                     {"f32", "high", "bf16"}, tally),
              IsEmpty());
  EXPECT_GT(tally.meaningful, 0);
}

INSTANTIATE_TEST_SUITE_P(Programs, Known, testing::ValuesIn(knownPrograms()),
                         [](const auto &info) {
                           std::string name =
                               std::filesystem::path(info.param).stem();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

} // namespace
} // namespace phlox::fuzz
