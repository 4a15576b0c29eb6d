// Every op of the registry over several examples at once, against one example
// after the other: for each choice of the arguments that differ by example.
#include "compiler/ops/Batch.h"
#include "mlir/IR/Verifier.h"
#include "test/compiler/ops/samples.h"
#include <gtest/gtest.h>

namespace phlox::test {
namespace {

constexpr int64_t kExamples = 3;

// what `vmap` makes of a function; nothing if an op refuses
mlir::OwningOpRef<mlir::ModuleOp> mapped(Function function, unsigned choice) {
  mlir::OpBuilder builder(&context());
  mlir::Location where = function.getLoc();
  auto module = mlir::ModuleOp::create(where);
  SmallVector<mlir::Type> types;
  for (auto [i, argument] : llvm::enumerate(argumentsOf(function))) {
    auto type = tensorType(argument);
    types.push_back(choice >> i & 1
                        ? type.clone(inFront(kExamples, type.getShape()))
                        : type);
  }
  auto made =
      Function::create(where, "mapped", builder.getFunctionType(types, {}));
  module.push_back(made);
  builder.setInsertionPointToEnd(made.addEntryBlock());
  auto end = mlir::func::ReturnOp::create(builder, where);
  builder.setInsertionPoint(end);
  Batch batch(builder, where, kExamples);
  SmallVector<Value> outputs = outputsOf(function);
  SmallVector<Value> results =
      mapBlock(batch, function.getBody().front(), argumentsOf(made), outputs);
  if (batch.refused)
    return {};
  for (auto [result, output] : llvm::zip(results, outputs))
    result = batch.spread(result, output);
  setOutputs(made, results);
  return module;
}

class BatchTest : public testing::TestWithParam<Sample> {};

TEST_P(BatchTest, ExamplesAreIndependent) {
  auto module = functionOfOp(GetParam().arguments, GetParam().text);
  Function function = functionOf(*module);
  mlir::Operation *op =
      function.getBody().front().getTerminator()->getPrevNode();
  bool refuses = op->hasTrait<phlox::Random>() || mlir::isa<RandomKeyOp>(op);
  Random random(20240501);
  std::vector<Tensors> drawn;
  for (int64_t i = 0; i < kExamples; ++i)
    drawn.push_back(drawArguments(GetParam(), function, random));
  unsigned choices = 1 << argumentsOf(function).size();
  for (unsigned choice = 1; choice < choices; ++choice) {
    auto all = mapped(function, choice);
    ASSERT_EQ(!all, refuses) << "choice " << choice;
    if (refuses)
      continue;
    ASSERT_TRUE(mlir::succeeded(mlir::verify(*all)));
    // one example's arguments, and what those of all are made of
    auto example = [&](int64_t i) {
      Tensors arguments = drawn[0];
      for (size_t a = 0; a < arguments.size(); ++a)
        if (choice >> a & 1)
          arguments[a] = drawn[i][a];
      return arguments;
    };
    auto stack = [&](RankedTensorType type, auto &&part) {
      HostTensor whole(type);
      for (int64_t i = 0; i < kExamples; ++i) {
        const HostTensor one = part(i);
        copyElements(one, 0, whole, i * one.size(), one.size());
      }
      return whole;
    };
    Function whole = functionOf(*all);
    Tensors arguments;
    for (auto [a, value] : llvm::enumerate(argumentsOf(whole)))
      arguments.push_back(
          choice >> a & 1
              ? stack(tensorType(value), [&](int64_t i) { return drawn[i][a]; })
              : drawn[0][a]);
    Tensors actual = run(whole, arguments), expected;
    for (auto [r, value] : llvm::enumerate(outputsOf(whole)))
      expected.push_back(stack(tensorType(value), [&](int64_t i) {
        return run(function, example(i)).at(r);
      }));
    EXPECT_LT(difference(actual, expected), 1e-12) << "choice " << choice;
    for (size_t r = 0; r < expected.size(); ++r)
      EXPECT_EQ(actual.at(r).counts, expected[r].counts) << "choice " << choice;
  }
}

// without arguments nothing differs, yet the rule holds
TEST(Batch, ConstantsAreRepeated) {
  for (const char *text : {"phlox.constant dense<[1.0, -2.0]> : tensor<2xf32>",
                           "phlox.iota axis = 0 : tensor<2xf32>"}) {
    auto module = functionOfOp("", text);
    Function function = functionOf(*module);
    mlir::Operation *last = function.getBody().front().getTerminator();
    Batch batch(mlir::OpBuilder(last), function.getLoc(), kExamples);
    std::vector<double> one = run(function, {}).at(0).reals, all;
    for (int64_t i = 0; i < kExamples; ++i)
      all.insert(all.end(), one.begin(), one.end());
    setOutputs(function,
               mlir::cast<Rules>(last->getPrevNode()).batch(batch, {}));
    EXPECT_EQ(run(function, {}).at(0).reals, all);
  }
}

std::string nameOf(const testing::TestParamInfo<Sample> &info) {
  return info.param.op + std::to_string(info.index);
}
INSTANTIATE_TEST_SUITE_P(Ops, BatchTest, testing::ValuesIn(allSamples()),
                         nameOf);

} // namespace
} // namespace phlox::test
