// What compile() refuses, and how it says so.
#include "compiler/pipelines/Compile.h"
#include "dsl/program.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox {
namespace {

using testing::HasSubstr;

std::string errorOf(mlir::ModuleOp module, const CompileOptions &options = {}) {
  auto compiled = compile(module, options);
  return compiled ? "" : llvm::toString(compiled.takeError());
}

class CompileErrors : public testing::Test {
protected:
  CompileErrors() : program("errors") {
    auto p = program.leaf("p", {3});
    program.entry("f", [&](Entry &e) {
      Tensor x = e.input("x", {3});
      e.write(p, e.read(p) + x);
      e.output("y", x * 2);
    });
    module = mlir::cast<mlir::ModuleOp>(program.module()->clone());
    context = program.context();
    diagnostics = std::make_unique<mlir::ScopedDiagnosticHandler>(
        context, [this](mlir::Diagnostic &diagnostic) {
          said += diagnostic.str() + "\n";
          return mlir::success();
        });
  }
  mlir::func::FuncOp function() {
    return module->lookupSymbol<mlir::func::FuncOp>("f");
  }
  mlir::DictionaryAttr leaf(llvm::StringRef name, mlir::Type type) {
    mlir::Builder b(context);
    return b.getDictionaryAttr(
        {b.getNamedAttr("name", b.getStringAttr(name)),
         b.getNamedAttr("type", mlir::TypeAttr::get(type))});
  }

  Program program;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::MLIRContext *context = nullptr;
  std::string said;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> diagnostics;
};

TEST_F(CompileErrors, NoneForAProgramAsItIs) {
  EXPECT_EQ(errorOf(*module), "");
}

TEST_F(CompileErrors, UnknownTarget) {
  CompileOptions options;
  options.target = "pentium";
  EXPECT_EQ(errorOf(*module, options),
            "target must be native, x86-64-v3 or x86-64-v4: got 'pentium'");
}

TEST_F(CompileErrors, UnknownPrecision) {
  CompileOptions options;
  for (const char *precision : {"bf8", "", "fp8"}) {
    options.precision = precision;
    EXPECT_THAT(errorOf(*module, options),
                HasSubstr(std::string("got '") + precision + "'"));
    EXPECT_THAT(errorOf(*module, options), HasSubstr("precision must be"));
  }
}

TEST_F(CompileErrors, Bf16WithoutAvx512) {
  CompileOptions options;
  options.target = "x86-64-v3";
  for (Amx amx : {Amx::off, Amx::on}) {
    options.precision = "bf16";
    options.amx = amx;
    EXPECT_EQ(errorOf(*module, options),
              "precision bf16 must have the target x86-64-v4, whose variants "
              "compute with bf16, and no other: got 'x86-64-v3'");
  }
  options.target = "x86-64-v3,x86-64-v4"; // v3 would be left out in silence
  EXPECT_THAT(errorOf(*module, options), HasSubstr("and no other: got"));
}

TEST_F(CompileErrors, UnknownRewrite) {
  CompileOptions options;
  options.without = {rewriteNames().front(), "loops"};
  EXPECT_THAT(errorOf(*module, options), HasSubstr("rewrite must be one of "));
  EXPECT_THAT(errorOf(*module, options), HasSubstr(": got 'loops'"));
}

TEST_F(CompileErrors, UnwritableDumpFolder) {
  CompileOptions options;
  options.dumpDirectory = "/dev/null/dump";
  EXPECT_THAT(errorOf(*module, options), HasSubstr("/dev/null/dump: "));
}

TEST_F(CompileErrors, NoLeaves) {
  (*module)->removeAttr(kLeavesAttr);
  EXPECT_EQ(errorOf(*module),
            "a program must carry the attribute phlox.leaves");
}

TEST_F(CompileErrors, LeavesThatAreNoDictionaries) {
  mlir::Builder b(context);
  for (mlir::Attribute wrong : {mlir::Attribute(b.getStringAttr("p")),
                                mlir::Attribute(b.getDictionaryAttr({})),
                                mlir::Attribute(leaf("p", b.getF32Type()))}) {
    (*module)->setAttr(kLeavesAttr, b.getArrayAttr({wrong}));
    EXPECT_EQ(errorOf(*module),
              "phlox.leaves must hold dictionaries of name and type");
  }
}

TEST_F(CompileErrors, LeavesOfTwoNamesAlike) {
  mlir::Builder b(context);
  auto p = leaf("p", RankedTensorType::get({3}, b.getF32Type()));
  (*module)->setAttr(kLeavesAttr, b.getArrayAttr({p, p}));
  EXPECT_EQ(errorOf(*module), "leaf 'p' must be declared once: got two");
}

TEST_F(CompileErrors, ALeafThatIsNotDeclared) {
  (*module)->setAttr(kLeavesAttr, mlir::Builder(context).getArrayAttr({}));
  EXPECT_EQ(errorOf(*module),
            "entry point 'f': leaf 'p' must be in phlox.leaves: got none");
}

TEST_F(CompileErrors, ALeafOfAnotherType) {
  mlir::Builder b(context);
  (*module)->setAttr(
      kLeavesAttr,
      b.getArrayAttr({leaf("p", RankedTensorType::get({2}, b.getF32Type()))}));
  EXPECT_EQ(errorOf(*module),
            "entry point 'f': leaf 'p' must be tensor<2xf32> as "
            "declared: got tensor<3xf32>");
}

TEST_F(CompileErrors, AnArgumentWithoutAName) {
  function().removeArgAttr(1, kInputAttr);
  EXPECT_EQ(errorOf(*module),
            "entry point 'f': argument 1 must name a leaf or an input");
}

TEST_F(CompileErrors, AResultWithoutAName) {
  function().removeResultAttr(1, mlir::StringAttr::get(context, kOutputAttr));
  EXPECT_EQ(errorOf(*module),
            "entry point 'f': result 1 must name a leaf or an output");
}

TEST_F(CompileErrors, AnOpOfAnotherDialect) {
  mlir::OpBuilder b(context);
  auto other = mlir::ModuleOp::create(b.getUnknownLoc());
  b.setInsertionPointToStart(module->getBody());
  b.insert(other);
  EXPECT_EQ(errorOf(*module),
            "a program must hold functions: got builtin.module");
}

TEST_F(CompileErrors, AnOpOfAnotherDialectInsideAFunction) {
  mlir::OpBuilder b(context);
  b.setInsertionPointToStart(&function().getBody().front());
  mlir::func::CallOp::create(b, b.getUnknownLoc(), "f", mlir::TypeRange{});
  EXPECT_EQ(errorOf(*module),
            "entry point 'f' must consist of phlox ops: got func.call");
}

TEST_F(CompileErrors, TwoInputsOfOneName) {
  mlir::Builder b(context);
  ASSERT_TRUE(mlir::succeeded(function().insertArgument(
      2, function().getArgumentTypes()[1],
      b.getDictionaryAttr(b.getNamedAttr(kInputAttr, b.getStringAttr("x"))),
      b.getUnknownLoc())));
  EXPECT_EQ(errorOf(*module),
            "entry point 'f' must have one argument 'x': got two");
}

TEST_F(CompileErrors, AFunctionWithoutABody) {
  function().eraseBody();
  function().setPrivate();
  EXPECT_EQ(errorOf(*module), "entry point 'f' must have a body of one block");
}

TEST_F(CompileErrors, ATypeThatHasNoCode) {
  mlir::OwningOpRef<mlir::ModuleOp> other =
      mlir::parseSourceString<mlir::ModuleOp>(
          R"(module attributes {phlox.leaves = [], phlox.program = "p"} {
               func.func @f(%x: tensor<3xf64> {phlox.input = "x"}) ->
                   (tensor<3xf64> {phlox.output = "y"}) {
                 return %x : tensor<3xf64>
               }
             })",
          context);
  ASSERT_TRUE(other);
  EXPECT_EQ(errorOf(*other), "entry point 'f': argument 0 must be a tensor of "
                             "f32, i64, i32 or i1: got tensor<3xf64>");
}

} // namespace
} // namespace phlox
