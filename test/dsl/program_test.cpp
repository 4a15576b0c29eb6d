// What an exported module says: leaves, arguments, results, locations.
#include "dsl/program.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "test/support/program_runner.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(mlir::func::FuncOp function, bool results) {
  std::vector<std::string> all;
  unsigned count =
      results ? function.getNumResults() : function.getNumArguments();
  for (unsigned i = 0; i < count; ++i) {
    auto get = [&](llvm::StringRef key) {
      return results ? function.getResultAttrOfType<mlir::StringAttr>(i, key)
                     : function.getArgAttrOfType<mlir::StringAttr>(i, key);
    };
    for (llvm::StringRef key :
         {llvm::StringRef(kLeafAttr), llvm::StringRef(kInputAttr),
          llvm::StringRef(kOutputAttr)})
      if (auto name = get(key))
        all.push_back((key + "=" + name.getValue()).str());
  }
  return all;
}

// two layers of state, of which an entry point reads some and writes others
Program sample() {
  Program program("sample");
  Leaf a = program.leaf("a", {2, 3}), b = program.leaf("b", {3});
  Leaf c = program.leaf("c", {}), n = program.counter("n");
  program.entry("f", [&](Entry &e) {
    Tensor x = e.input("x", {2, 3});
    Tensor sum = x + e.read(b); // the later leaf is read first
    e.write(c, mean(e.read(a) * sum));
    e.write(n, countadd(e.read(n), 1));
    e.output("twice", e.read(c) * 2); // what was written
    e.output("x", x);
  });
  program.entry("g", [&](Entry &e) { e.write(b, 0.5); });
  return program;
}

TEST(Program, ArgumentsAndResultsKeepTheLeavesOrder) {
  Program program = sample();
  auto module = program.module();
  auto f = module.lookupSymbol<mlir::func::FuncOp>("f");
  EXPECT_THAT(names(f, false), ElementsAre("phlox.leaf=a", "phlox.leaf=b",
                                           "phlox.leaf=n", "phlox.input=x"));
  EXPECT_THAT(names(f, true),
              ElementsAre("phlox.leaf=c", "phlox.leaf=n", "phlox.output=twice",
                          "phlox.output=x"));
  auto g = module.lookupSymbol<mlir::func::FuncOp>("g");
  EXPECT_EQ(g.getNumArguments(), 0u);
  EXPECT_THAT(names(g, true), ElementsAre("phlox.leaf=b"));
}

TEST(Program, ModuleCarriesNameAndLeaves) {
  Program program = sample();
  auto module = program.module();
  EXPECT_EQ(module->getAttrOfType<mlir::StringAttr>(kProgramAttr).getValue(),
            "sample");
  auto leaves = module->getAttrOfType<mlir::ArrayAttr>(kLeavesAttr);
  ASSERT_EQ(leaves.size(), 4u);
  auto last = mlir::cast<mlir::DictionaryAttr>(leaves[3]);
  EXPECT_EQ(last.getAs<mlir::StringAttr>("name").getValue(), "n");
  auto type = last.getAs<mlir::TypeAttr>("type").getValue();
  EXPECT_TRUE(
      mlir::cast<RankedTensorType>(type).getElementType().isInteger(64));
}

TEST(Program, ReadsWhatWasWritten) {
  Program program = sample();
  auto arguments = test::randomArguments(program.module(), "f", 1);
  auto results = test::interpretEntry(program.module(), "f", arguments);
  EXPECT_EQ(results.at("twice").reals[0], 2 * results.at("leaf:c").reals[0]);
  EXPECT_EQ(results.at("leaf:n").counts[0],
            arguments.at("leaf:n").counts[0] + 1);
}

TEST(Program, PrintsAndParsesBack) {
  Program program = sample();
  std::string text, again;
  llvm::raw_string_ostream(text) << program.module();
  auto parsed =
      mlir::parseSourceString<mlir::ModuleOp>(text, program.context());
  ASSERT_TRUE(parsed);
  llvm::raw_string_ostream(again) << *parsed;
  EXPECT_EQ(text, again);

  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  ASSERT_TRUE(mlir::succeeded(mlir::writeBytecodeToFile(program.module(), os)));
  auto loaded = mlir::parseSourceString<mlir::ModuleOp>(llvm::StringRef(bytes),
                                                        program.context());
  ASSERT_TRUE(loaded);
  again.clear();
  llvm::raw_string_ostream(again) << *loaded;
  EXPECT_EQ(text, again);
}

TEST(Program, ScopesAndLinesAreLocations) {
  Program program("test");
  unsigned line = 0;
  program.entry("f", [&](Entry &e) {
    Tensor x = e.input("x", {2});
    Scope outer(e.trace(), "critic");
    Scope inner(e.trace(), "layer1");
    line = __LINE__ + 1;
    e.output("y", exp(x));
  });
  std::string text;
  llvm::raw_string_ostream os(text);
  program.module().print(os, mlir::OpPrintingFlags().enableDebugInfo());
  EXPECT_THAT(text, HasSubstr("loc(\"critic/layer1\"("));
  EXPECT_THAT(text, HasSubstr("loc(\"program_test.cpp\":" +
                              std::to_string(line) + ":"));
}

TEST(Program, SurvivesAMoveAndAFailedEntryPoint) {
  Program first("moved");
  EXPECT_THROW(first.entry("bad",
                           [](Entry &e) {
                             Tensor x = e.input("x", {2});
                             scan(2, {x}, {}, [](auto &carries, auto &) {
                               matmul(carries[0], carries[0]);
                               return ScanStep{carries, {}};
                             });
                           }),
               Error);
  Program second = std::move(first);
  second.entry("good", [](Entry &e) { e.output("y", e.scalar(3)); });
  auto results = test::interpretEntry(second.module(), "good", {});
  EXPECT_EQ(results.at("y").reals[0], 3);
}

} // namespace
} // namespace phlox
