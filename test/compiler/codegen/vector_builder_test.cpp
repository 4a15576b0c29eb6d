// VectorBuilder's arithmetic, comparisons and conversions, lane by lane,
// against the same in C++.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "test/compiler/codegen/vector_jit.h"
#include <cfloat>
#include <cmath>
#include <cstring>
#include <gmock/gmock.h>

namespace phlox::test {
namespace {

using V = VectorBuilder;
using Values = llvm::ArrayRef<mlir::Value>;
using mlir::Value;
using Reals = std::vector<float>;
using Words = std::vector<uint32_t>;
using Counts = std::vector<uint64_t>;

#define BINARY(NAME, TYPE)                                                     \
  VectorBody {                                                                 \
    #NAME, TYPE TYPE, TYPE[0],                                                 \
        [](V &v, Values x) { return v.NAME(x[0], x[1]); }                      \
  }
#define UNARY(NAME, TYPE)                                                      \
  VectorBody {                                                                 \
    #NAME, TYPE, TYPE[0], [](V &v, Values x) { return v.NAME(x[0]); }          \
  }

mlir::Type i1(V &v) { return v.builder.getI1Type(); }
mlir::Type i32(V &v) { return v.builder.getI32Type(); }
mlir::Type i64(V &v) { return v.builder.getI64Type(); }

std::vector<VectorBody> bodies() {
  std::vector<VectorBody> list = {
      BINARY(add, "f"),
      BINARY(sub, "f"),
      BINARY(mul, "f"),
      BINARY(div, "f"),
      BINARY(min, "f"),
      BINARY(max, "f"),
      UNARY(neg, "f"),
      UNARY(abs, "f"),
      UNARY(sqrt, "f"),
      UNARY(floor, "f"),
      UNARY(relu, "f"),
      UNARY(round, "f"),
      BINARY(addi, "u"),
      BINARY(subi, "u"),
      BINARY(muli, "u"),
      BINARY(remu, "u"),
      BINARY(andi, "i"),
      BINARY(ori, "i"),
      BINARY(xori, "i"),
      {"fma", "fff", 'f',
       [](V &v, Values x) { return v.fma(x[0], x[1], x[2]); }},
      {"polynomial", "f", 'f',
       [](V &v, Values x) { return v.polynomial(x[0], {2, -3, 5}); }},
      {"shl", "i", 'i', [](V &v, Values x) { return v.shl(x[0], 4); }},
      {"shr", "i", 'i', [](V &v, Values x) { return v.shr(x[0], 4); }},
      {"sar", "i", 'i', [](V &v, Values x) { return v.sar(x[0], 4); }},
      {"rotl", "i", 'i', [](V &v, Values x) { return v.rotl(x[0], 9); }},
      {"rotl64", "u", 'u', [](V &v, Values x) { return v.rotl(x[0], 9); }},
      {"realOfTruth", "f", 'f',
       [](V &v, Values x) { return v.toReal(v.toInteger(x[0], i1(v))); }},
      {"realOfWord", "i", 'f', [](V &v, Values x) { return v.toReal(x[0]); }},
      {"realOfSigned", "i", 'f',
       [](V &v, Values x) { return v.signedToReal(x[0]); }},
      {"realOfCount", "u", 'f', [](V &v, Values x) { return v.toReal(x[0]); }},
      {"wordOfReal", "f", 'i',
       [](V &v, Values x) { return v.toInteger(x[0], i32(v)); }},
      {"countOfReal", "f", 'u',
       [](V &v, Values x) { return v.toInteger(x[0], i64(v)); }},
      {"wordOfCount", "u", 'i',
       [](V &v, Values x) { return v.toInteger(x[0], i32(v)); }},
      {"countOfWord", "i", 'u',
       [](V &v, Values x) { return v.toInteger(x[0], i64(v)); }},
      {"bits", "f", 'i', [](V &v, Values x) { return v.realToBits(x[0]); }},
      {"real", "i", 'f', [](V &v, Values x) { return v.bitsToReal(x[0]); }},
      {"constants", "u", 'u',
       [](V &v, Values x) {
         Value one = v.select(v.truth(true), v.count(~0ull), x[0]);
         return v.addi(one, v.toInteger(v.integer(-1), i64(v)));
       }},
      {"splat", "f", 'f',
       [](V &v, Values x) {
         Value scalar = mlir::arith::ConstantOp::create(
             v.builder, v.builder.getF32FloatAttr(2.5));
         return v.add(v.splat(x[0]), v.splat(scalar));
       }},
  };
  // the six outcomes as six bits
  list.push_back({"compare", "ff", 'i', [](V &v, Values x) {
                    Value bits = v.integer(0);
                    for (int order = 0; order < 6; ++order) {
                      Value holds = v.compare(V::Order(order), x[0], x[1]);
                      bits = v.ori(bits, v.select(holds, v.integer(1 << order),
                                                  v.integer(0)));
                    }
                    return bits;
                  }});
  list.push_back({"comparei", "ii", 'i', [](V &v, Values x) {
                    Value bits = v.integer(0);
                    for (int order = 0; order < 6; ++order) {
                      Value holds = v.comparei(V::Order(order), x[0], x[1]);
                      bits = v.ori(bits, v.select(holds, v.integer(1 << order),
                                                  v.integer(0)));
                    }
                    return bits;
                  }});
  return list;
}

class VectorBuilderTest : public VectorTest {
protected:
  VectorBuilderTest() : VectorTest(bodies()) {}
  Reals reals(const char *name, std::vector<Reals> operands) {
    return jit.run<float, float>(name, operands);
  }
  Words words(const char *name, std::vector<Words> operands) {
    return jit.run<uint32_t, uint32_t>(name, operands);
  }
  Counts counts(const char *name, std::vector<Counts> operands) {
    return jit.run<uint64_t, uint64_t>(name, operands);
  }
};

MATCHER_P(SameBits, expected, "") {
  return std::memcmp(arg.data(), expected.data(), 4 * arg.size()) == 0 &&
         arg.size() == expected.size();
}

TEST_P(VectorBuilderTest, RealArithmeticIsIeee) {
  Reals x = {1.5, -2.25, 0, INFINITY, 3e38f, 1},
        y = {.1f, 3, -0.f, 2, 3e38f, 3};
  auto each = [&](auto f) {
    Reals z;
    for (size_t i = 0; i < x.size(); ++i)
      z.push_back(f(x[i], y[i]));
    return z;
  };
  EXPECT_THAT(reals("add", {x, y}), SameBits(each(std::plus<float>())));
  EXPECT_THAT(reals("sub", {x, y}), SameBits(each(std::minus<float>())));
  EXPECT_THAT(reals("mul", {x, y}), SameBits(each(std::multiplies<float>())));
  x[2] = 1;
  EXPECT_THAT(reals("div", {x, y}), SameBits(each(std::divides<float>())));
  EXPECT_THAT(reals("neg", {{0.f, -3}}), SameBits(Reals{-0.f, 3}));
  EXPECT_THAT(reals("abs", {{-0.f, -3, 4}}), SameBits(Reals{0, 3, 4}));
  EXPECT_THAT(reals("sqrt", {{0, 2, 1e30f}}),
              SameBits(Reals{0, std::sqrt(2.f), std::sqrt(1e30f)}));
  EXPECT_THAT(reals("floor", {{-.5, 1.75, -2}}), SameBits(Reals{-1, 1, -2}));
  EXPECT_THAT(reals("round", {{.5, 1.5, 2.5, -1.5}}),
              SameBits(Reals{0, 2, 2, -2}));
  EXPECT_THAT(reals("relu", {{-1, -0.f, 2, INFINITY, -INFINITY}}),
              SameBits(Reals{0, -0.f, 2, INFINITY, 0}));
  EXPECT_TRUE(std::isnan(reals("relu", {{NAN}})[0]));
  EXPECT_THAT(reals("polynomial", {{3, -1}}), SameBits(Reals{14, 10}));
  EXPECT_THAT(reals("splat", {{3}}), SameBits(Reals{5.5}));
}

TEST_P(VectorBuilderTest, AnFmaIsRoundedOnce) {
  float x = 1 + FLT_EPSILON;
  EXPECT_EQ(reals("fma", {{x}, {x}, {-1 - 2 * FLT_EPSILON}})[0],
            FLT_EPSILON * FLT_EPSILON);
}

TEST_P(VectorBuilderTest, MinAndMaxHandNanOn) {
  Reals x = {1, NAN, 2, NAN}, y = {2, 1, NAN, NAN};
  for (const char *name : {"min", "max"}) {
    Reals z = reals(name, {x, y});
    EXPECT_EQ(z[0], name[1] == 'i' ? 1 : 2);
    for (int i = 1; i < 4; ++i)
      EXPECT_TRUE(std::isnan(z[i])) << name << ' ' << i;
  }
}

TEST_P(VectorBuilderTest, ComparisonsAreFalseForNanButNe) {
  Reals x = {1, 2, 2, NAN}, y = {2, 1, 2, 1};
  // bits: lt le gt ge eq ne
  EXPECT_EQ((jit.run<uint32_t, float>("compare", {x, y})),
            (Words{0b100011, 0b101100, 0b011010, 0b100000}));
  EXPECT_EQ(words("comparei", {{1, ~0u, 7}, {2, 1, 7}}),
            (Words{0b100011, 0b101100, 0b011010}));
}

TEST_P(VectorBuilderTest, IntegersWrapAndShift) {
  Counts x = {~0ull, 5}, y = {2, 7};
  EXPECT_EQ(counts("addi", {x, y}), (Counts{1, 12}));
  EXPECT_EQ(counts("subi", {x, y}), (Counts{~0ull - 2, ~0ull - 1}));
  EXPECT_EQ(counts("muli", {x, y}), (Counts{~0ull - 1, 35}));
  EXPECT_EQ(counts("remu", {x, y}), (Counts{1, 5}));
  EXPECT_EQ(counts("rotl64", {{1ull << 60}}), Counts{32});
  EXPECT_EQ(counts("constants", {{0}}), Counts{0xfffffffe});
  EXPECT_EQ(words("andi", {{12}, {10}}), Words{8});
  EXPECT_EQ(words("ori", {{12}, {10}}), Words{14});
  EXPECT_EQ(words("xori", {{12}, {10}}), Words{6});
  EXPECT_EQ(words("shl", {{0x80000001}}), Words{0x10});
  EXPECT_EQ(words("shr", {{0x80000001}}), Words{0x08000000});
  EXPECT_EQ(words("sar", {{0x80000001}}), Words{0xf8000000});
  EXPECT_EQ(words("rotl", {{0x80000001}}), Words{0x300});
}

TEST_P(VectorBuilderTest, ConversionsAreUnsignedAndHeldInRange) {
  EXPECT_EQ(reals("realOfTruth", {{0, -0.f, 2, NAN}}), (Reals{0, 0, 1, 1}));
  EXPECT_EQ((jit.run<float, uint32_t>("realOfWord", {{0, 7, ~0u}})),
            (Reals{0, 7, 0x1p32f}));
  EXPECT_EQ((jit.run<float, uint32_t>("realOfSigned", {{7, ~0u}})),
            (Reals{7, -1}));
  EXPECT_EQ((jit.run<float, uint64_t>("realOfCount", {{7, ~0ull}})),
            (Reals{7, 0x1p64f}));
  Reals x = {-3, 2.75, NAN, 1e30f, INFINITY, 3e9f};
  EXPECT_EQ((jit.run<uint32_t, float>("wordOfReal", {x})),
            (Words{0, 2, 0, 0xffffff00, 0xffffff00, 3000000000}));
  EXPECT_EQ((jit.run<uint64_t, float>("countOfReal", {x})),
            (Counts{0, 2, 0, ~0ull << 40, ~0ull << 40, 3000000000}));
  EXPECT_EQ((jit.run<uint32_t, uint64_t>("wordOfCount", {{(1ull << 40) + 9}})),
            Words{9});
  EXPECT_EQ((jit.run<uint64_t, uint32_t>("countOfWord", {{~0u}})),
            Counts{0xffffffff});
  EXPECT_EQ((jit.run<uint32_t, float>("bits", {{1}})), Words{0x3f800000});
  EXPECT_EQ((jit.run<float, uint32_t>("real", {{0x3f800000}})), Reals{1});
}

TEST_P(VectorBuilderTest, CallsNoLibrary) {
  EXPECT_THAT(jit.undefinedSymbols, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Targets, VectorBuilderTest, allTargets(), targetName);

} // namespace
} // namespace phlox::test
