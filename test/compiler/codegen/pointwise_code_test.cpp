// The code of every element-wise op against its evaluation in f64: at the
// registry's samples, and where infinities, NaN and zeros meet.
#include "compiler/ops/PointwiseTable.h"
#include "test/compiler/codegen/vector_jit.h"
#include "test/compiler/ops/samples.h"
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <set>

namespace phlox::test {
namespace {

char letterOf(RankedTensorType type) {
  mlir::Type element = type.getElementType();
  return element.isF32()         ? 'f'
         : element.isInteger(1)  ? 'b'
         : element.isInteger(32) ? 'i'
                                 : 'u';
}

/// One sample of an element-wise op with its code's name.
struct Case {
  std::string name, op;
  Sample sample;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Function function() { return functionOf(*module); }
  mlir::Operation *operation() {
    return function().getBody().front().getTerminator()->getPrevNode();
  }
};

std::vector<Case> &cases() {
  static std::vector<Case> list = [] {
    std::vector<Case> list;
    for (const Sample &sample : pointwiseSamples()) {
      Case c{fmt::format("{}_{}", sample.op, list.size()), sample.op, sample,
             functionOfOp(sample.arguments, sample.text)};
      list.push_back(std::move(c));
    }
    return list;
  }();
  return list;
}

std::vector<VectorBody> bodies() {
  std::vector<VectorBody> list;
  for (Case &c : cases()) {
    Lowering lowering;
    mlir::cast<Rules>(c.operation()).lower(lowering);
    VectorBody body{c.name, "",
                    letterOf(tensorType(c.operation()->getResult(0))),
                    lowering.pointwiseBody};
    for (Value operand : c.operation()->getOperands())
      body.operands.push_back(letterOf(tensorType(operand)));
    list.push_back(body);
  }
  return list;
}

/// Elements as they lie in memory; every letter takes four or eight bytes.
std::vector<char> bytesOf(const std::vector<HostTensor> &chunks) {
  std::vector<char> bytes;
  auto put = [&](auto x) {
    bytes.insert(bytes.end(), (char *)&x, (char *)&x + sizeof(x));
  };
  for (const HostTensor &chunk : chunks) {
    for (double x : chunk.reals)
      put(float(x));
    for (uint64_t x : chunk.counts)
      letterOf(chunk.type) == 'u' ? put(x) : put(uint32_t(x));
  }
  return bytes;
}

class PointwiseCode : public VectorTest {
protected:
  PointwiseCode() : VectorTest(bodies()) {}

  // runs chunks of the sample's shape, one vector of chunks per operand
  void compare(Case &c, const std::vector<Tensors> &operands) {
    // these cross 0 by cancellation; elsewhere the error is relative, but that
    // left tails end near 1e-36
    static const std::set<std::string> cancelling = {"logaddexp", "mish",
                                                     "truncquantile"};
    double slack = cancelling.count(c.op) ? 2e-7 : 2e-36;
    size_t count = operands[0].size(), size = operands[0][0].size();
    ASSERT_LE(count * size, size_t(VectorJit::kBlock));
    std::vector<std::vector<char>> memory;
    std::vector<const void *> addresses;
    for (const Tensors &chunks : operands) {
      memory.push_back(bytesOf(chunks));
      memory.back().resize(VectorJit::kBlock * 8);
      addresses.push_back(memory.back().data());
    }
    std::vector<char> result(VectorJit::kBlock * 8);
    jit.call(c.name, addresses, result.data());
    for (size_t i = 0; i < count; ++i) {
      Tensors arguments;
      for (const Tensors &chunks : operands)
        arguments.push_back(chunks[i]);
      Tensors oracle = run(c.function(), arguments);
      ASSERT_EQ(oracle.size(), 1u);
      for (size_t j = 0; j < size; ++j) {
        std::string where = c.sample.text;
        for (const HostTensor &x : arguments)
          where += x.isReal() ? fmt::format(" {}", float(x.reals[j]))
                              : fmt::format(" {}", x.counts[j]);
        check(oracle[0], j, result.data(), i * size + j, slack, where);
      }
    }
  }

  static void check(const HostTensor &oracle, size_t j, const char *result,
                    size_t at, double slack, const std::string &where) {
    if (!oracle.isReal()) {
      bool wide = letterOf(oracle.type) == 'u';
      uint64_t y = 0;
      std::memcpy(&y, result + at * (wide ? 8 : 4), wide ? 8 : 4);
      EXPECT_EQ(y, oracle.counts[j]) << where;
      return;
    }
    float y, x = float(oracle.reals[j]);
    std::memcpy(&y, result + at * 4, 4);
    if (std::isnan(x) || std::isinf(x))
      EXPECT_TRUE(std::isnan(x) ? std::isnan(y) : y == x)
          << where << ": " << y << " instead of " << x;
    else
      EXPECT_NEAR(y, x, 3e-6 * std::abs(x) + slack) << where;
  }
};

TEST_P(PointwiseCode, EveryOpHasASampleAndABody) {
  std::set<std::string> sampled;
  for (Case &c : cases()) {
    Lowering lowering;
    mlir::cast<Rules>(c.operation()).lower(lowering);
    EXPECT_TRUE(lowering.pointwiseBody) << c.op;
    sampled.insert(c.op);
  }
  for (mlir::RegisteredOperationName name : context().getRegisteredOperations())
    if (name.getDialectNamespace() == "phlox" && name.hasTrait<Pointwise>())
      EXPECT_TRUE(sampled.count(name.stripDialect().str()))
          << name.getStringRef().str();
}

TEST_P(PointwiseCode, SamplesAgreeWithTheirEvaluation) {
  Random random{7};
  for (Case &c : cases()) {
    std::vector<Tensors> operands(c.operation()->getNumOperands());
    for (int i = 0; i < 40; ++i) {
      Tensors drawn = drawArguments(c.sample, c.function(), random);
      for (size_t k = 0; k < operands.size(); ++k) {
        for (double &x : drawn[k].reals)
          x = float(x);
        operands[k].push_back(drawn[k]);
      }
    }
    compare(c, operands);
  }
}

TEST_P(PointwiseCode, SpecialNumbersAgreeWithTheirEvaluation) {
  const std::vector<double> specials = {
      0,   -0., 1,     -1,     0.5,   -0.5,   2,        -3.25,     9.5,
      -20, 100, -1000, 1e-30f, 5e30f, -5e30f, INFINITY, -INFINITY, NAN};
  // sin and cos are bounded in range, pow takes positive bases, and a draw
  // takes a probability
  const std::set<std::string> narrow = {"sin", "cos", "pow", "truncquantile"};
  for (Case &c : cases()) {
    unsigned arity = c.operation()->getNumOperands();
    bool real = llvm::all_of(c.operation()->getOperandTypes(), [](auto type) {
      return mlir::cast<RankedTensorType>(type).getElementType().isF32();
    });
    if (!real || narrow.count(c.op))
      continue;
    ASSERT_LE(arity, 2u) << c.op;
    HostTensor empty(tensorType(c.operation()->getOperand(0)));
    size_t total = arity == 1 ? specials.size() : 18 * 18;
    std::vector<Tensors> operands(arity);
    for (size_t i = 0; i < total; ++i)
      for (unsigned k = 0; k < arity; ++k) {
        if (i % empty.size() == 0)
          operands[k].push_back(empty);
        operands[k].back().reals[i % empty.size()] =
            specials[k == 0 ? i % 18 : i / 18];
      }
    compare(c, operands);
  }
}

// the oracle's own functions, against what they invert and T10's medians
TEST(PointwiseScalars, InvertTheirFunctionsInF64) {
  for (double y = 0.01; y < 12; y *= 1.1) {
    double p = 0.5 * std::erfc(y * M_SQRT1_2);
    EXPECT_NEAR(quantileOf(p), -y, 1e-13 * y + 1e-15);
    if (y < 5)
      EXPECT_NEAR(erfinvOf(std::erf(y)), y, 1e-15 * std::exp(y * y) + 1e-14);
  }
  EXPECT_EQ(quantileOf(0.5), 0);
  EXPECT_NEAR(quantileOf(0), -12.95, 0.01);
  EXPECT_NEAR(truncQuantileOf(0.5, -0.5, 1), 0.188968232, 1e-9);
  EXPECT_NEAR(truncQuantileOf(0.5, 6, 7), 6.111358216, 1e-9);
  EXPECT_NEAR(truncQuantileOf(0.5, -8, -7.5), -7.587828880, 1e-9);
  EXPECT_EQ(truncQuantileOf(0.3, 13, 15), 13);
}

INSTANTIATE_TEST_SUITE_P(Targets, PointwiseCode, allTargets(), targetName);

} // namespace
} // namespace phlox::test
