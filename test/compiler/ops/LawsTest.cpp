// Laws that hold for every op of the registry, in f64.
#include "compiler/autodiff/Autodiff.h"
#include "compiler/codegen/Lowering.h"
#include "compiler/ops/Graph.h"
#include "test/compiler/ops/samples.h"
#include "test/support/graph_functions.h"
#include <gtest/gtest.h>

namespace phlox::test {
namespace {

class LawsTest : public testing::TestWithParam<Sample> {
protected:
  LawsTest()
      : module(functionOfOp(GetParam().arguments, GetParam().text)),
        function(functionOf(*module)),
        arguments(drawArguments(GetParam(), function, random)) {}
  Rules op() {
    return mlir::cast<Rules>(
        function.getBody().front().getTerminator()->getPrevNode());
  }
  Graph graph() {
    mlir::OpBuilder builder(function.getBody().front().getTerminator());
    return Graph(builder, function.getLoc());
  }

  Random random{20240501};
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Function function;
  Tensors arguments;
};

TEST_P(LawsTest, SampleIsOfItsOp) {
  EXPECT_EQ(op()->getName().stripDialect(), GetParam().op);
}

TEST_P(LawsTest, DerivativesAgree) {
  if (!op()->hasTrait<NotDifferentiable>())
    return checkLaws(function, arguments, random);
  // nothing passes, however the function moves
  Graph g = graph();
  SmallVector<Value> inputs = realsOf(argumentsOf(function)), ones;
  for (Value input : inputs)
    ones.push_back(g.constant(1, input));
  for (Value tangent : jvp(g, outputsOf(function), inputs, ones))
    EXPECT_FALSE(tangent);
}

// as a jvp inside a loss is
TEST_P(LawsTest, TangentsAreDifferentiable) {
  if (op()->hasTrait<NotDifferentiable>())
    return;
  Tensors v = normals(realsOf(argumentsOf(function)), random);
  arguments.insert(arguments.end(), v.begin(), v.end());
  checkLaws(tangentOf(function), arguments, random, 1);
}

TEST_P(LawsTest, NullTangentsGiveNull) {
  Graph g = graph();
  SmallVector<Value> tangents(op()->getNumOperands());
  for (Value tangent : op().jvp(g, tangents))
    EXPECT_FALSE(tangent);
  SmallVector<Value> cotangents(op()->getNumResults());
  SmallVector<bool> needed(op()->getNumOperands(), true);
  for (Value cotangent : op().vjp(g, cotangents, needed))
    EXPECT_FALSE(cotangent);
}

TEST_P(LawsTest, RulesReturnOneValueEach) {
  Graph g = graph();
  Rules rules = op();
  auto zeros = [&](mlir::ValueRange values) {
    SmallVector<Value> result;
    for (Value value : values)
      result.push_back(tensorType(value).getElementType().isF32()
                           ? g.zeros(tensorType(value))
                           : Value());
    return result;
  };
  SmallVector<Value> tangents = rules.jvp(g, zeros(rules->getOperands()));
  SmallVector<bool> needed(rules->getNumOperands(), true);
  SmallVector<Value> cotangents =
      rules.vjp(g, zeros(rules->getResults()), needed);
  ASSERT_EQ(tangents.size(), rules->getNumResults());
  ASSERT_EQ(cotangents.size(), rules->getNumOperands());
  bool none = rules->hasTrait<NotDifferentiable>();
  for (auto [value, like] : llvm::zip(tangents, rules->getResults()))
    EXPECT_TRUE(!value || (!none && value.getType() == like.getType()));
  for (auto [value, like] : llvm::zip(cotangents, rules->getOperands()))
    EXPECT_TRUE(!value || (!none && value.getType() == like.getType()));
}

// what `lower` says in ops or index maps is what `eval` computes
TEST_P(LawsTest, LoweringEvaluatesTheSame) {
  Lowering lowering;
  op().lower(lowering);
  int ways = bool(lowering.pointwiseBody) + bool(lowering.indexBody) +
             lowering.indexMap.has_value() + bool(lowering.rewriting) +
             lowering.own.has_value() + lowering.isAlias +
             lowering.isStructured;
  EXPECT_EQ(ways, 1);
  Tensors direct = run(function, arguments);
  if (lowering.rewriting) {
    Graph g = graph();
    setOutputs(function, lowering.rewriting(g));
    Tensors decomposed = run(function, arguments);
    EXPECT_LT(difference(direct, decomposed), 1e-6);
    for (size_t i = 0; i < direct.size(); ++i)
      EXPECT_EQ(direct[i].counts, decomposed[i].counts);
  }
  if (lowering.isAlias) {
    EXPECT_EQ(direct[0].reals, arguments[0].reals);
    EXPECT_EQ(direct[0].counts, arguments[0].counts);
  }
  if (lowering.indexMap) {
    ASSERT_EQ(lowering.indexMap->source.size(), arguments[0].shape().size());
    SmallVector<int64_t> strides = stridesOf(arguments[0].shape());
    std::vector<double> mapped;
    forEachIndex(direct[0].shape(), [&](ArrayRef<int64_t> index) {
      int64_t place = 0;
      const IndexMap &map = *lowering.indexMap;
      for (auto [axis, source] : llvm::enumerate(map.source)) {
        int64_t at = source < 0 ? 0 : index[source];
        if (!map.divisor.empty())
          at /= map.divisor[axis];
        place += (at + map.offset[axis]) * strides[axis];
      }
      mapped.push_back(arguments[0].reals[place]);
    });
    EXPECT_EQ(direct[0].reals, mapped);
  }
}

std::string nameOf(const testing::TestParamInfo<Sample> &info) {
  return info.param.op + std::to_string(info.index);
}
INSTANTIATE_TEST_SUITE_P(Ops, LawsTest, testing::ValuesIn(allSamples()),
                         nameOf);

} // namespace
} // namespace phlox::test
