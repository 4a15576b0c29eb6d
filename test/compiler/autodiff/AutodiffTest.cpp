// Derivatives of whole graphs: need sets, composition, independent values.
#include "compiler/autodiff/Autodiff.h"
#include "test/support/graph_functions.h"
#include <cmath>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace phlox::test {
namespace {

struct Traced {
  explicit Traced(llvm::StringRef text)
      : module(parse(text)), function(functionOf(*module)) {}
  Graph graph() {
    mlir::OpBuilder builder(function.getBody().front().getTerminator());
    return Graph(builder, function.getLoc());
  }
  Value argument(unsigned i) { return function.getArgument(i); }
  Value output(unsigned i = 0) { return outputsOf(function)[i]; }
  template <class Op> unsigned count() {
    unsigned number = 0;
    function.walk([&](Op) { ++number; });
    return number;
  }
  double evaluate(ArrayRef<Value> outputs, Tensors arguments) {
    setOutputs(function, outputs);
    return run(function, std::move(arguments)).at(0).reals.at(0);
  }

  mlir::OwningOpRef<mlir::ModuleOp> module;
  Function function;
};

HostTensor scalar(double x) { return real({}, {x}); }

constexpr llvm::StringLiteral kMlp = R"(
  func.func @mlp(%x: tensor<5x3xf32>, %w: tensor<3x4xf32>, %b: tensor<4xf32>,
                 %v: tensor<4x1xf32>) -> tensor<f32> {
    %h = phlox.matmul %x, %w
      : tensor<5x3xf32>, tensor<3x4xf32> -> tensor<5x4xf32>
    %bb = phlox.broadcast %b, [5, 4] : tensor<4xf32> -> tensor<5x4xf32>
    %z = phlox.add %h, %bb : tensor<5x4xf32>
    %a = phlox.mish %z : tensor<5x4xf32>
    %n = phlox.layernorm %a epsilon = 1.0e-2 : tensor<5x4xf32> -> tensor<5x4xf32>
    %q = phlox.matmul %n, %v
      : tensor<5x4xf32>, tensor<4x1xf32> -> tensor<5x1xf32>
    %s = phlox.square %q : tensor<5x1xf32>
    %l = phlox.reduce mean, %s, [0, 1] : tensor<5x1xf32> -> tensor<f32>
    return %l : tensor<f32>
  })";

TEST(AutodiffTest, DifferentiatesANetworkTwice) {
  Traced mlp(kMlp);
  Random random(3);
  checkLaws(mlp.function, normals(argumentsOf(mlp.function), random), random);
}

TEST(AutodiffTest, EmitsOnlyWhatIsAskedFor) {
  Traced mlp(kMlp);
  Graph g = mlp.graph();
  Value one = g.constant(1, mlp.output());
  unsigned before = mlp.count<MatmulOp>();
  SmallVector<Value> slopes = vjp(g, {mlp.output()}, {one}, {mlp.argument(3)});
  ASSERT_TRUE(slopes[0]);
  // towards the last layer alone: one product, nothing of the first
  EXPECT_EQ(mlp.count<MatmulOp>(), before + 1);
  EXPECT_EQ(mlp.count<RsqrtOp>(), 0u);
}

TEST(AutodiffTest, NothingArrivesWhereNothingDepends) {
  Traced f(R"(
    func.func @f(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
      %s = phlox.stopgradient %x : tensor<f32>
      %i = phlox.floor %s : tensor<f32>
      %p = phlox.mul %s, %y : tensor<f32>
      %q = phlox.add %p, %i : tensor<f32>
      return %q : tensor<f32>
    })");
  Graph g = f.graph();
  Value one = g.constant(1, f.output());
  SmallVector<Value> slopes =
      vjp(g, {f.output()}, {one}, {f.argument(0), f.argument(1)});
  EXPECT_FALSE(slopes[0]);
  ASSERT_TRUE(slopes[1]);
  EXPECT_FALSE(jvp(g, {f.output()}, {f.argument(0)}, {one})[0]);
  EXPECT_FALSE(vjp(g, {f.output()}, {Value()}, {f.argument(1)})[0]);
  EXPECT_FALSE(jvp(g, {f.output()}, {f.argument(1)}, {Value()})[0]);
  EXPECT_EQ(f.evaluate({slopes[1]}, {scalar(3), scalar(5)}), 3);
}

TEST(AutodiffTest, AnOutputMayBeAnInput) {
  Traced f(R"(
    func.func @f(%x: tensor<f32>) -> tensor<f32> {
      return %x : tensor<f32>
    })");
  Graph g = f.graph();
  Value two = g.constant(2, f.output());
  Value x = f.argument(0);
  Value pulled = vjp(g, {x, x}, {two, two}, {x})[0];
  Value pushed = jvp(g, {x}, {x}, {two})[0];
  EXPECT_EQ(f.evaluate({pulled}, {scalar(3)}), 4);
  EXPECT_EQ(f.evaluate({pushed}, {scalar(3)}), 2);
}

constexpr llvm::StringLiteral kChain = R"(
  func.func @chain(%t: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
    %x = phlox.exp %t : tensor<f32>
    %s = phlox.square %x : tensor<f32>
    %y = phlox.mul %s, %t : tensor<f32>
    return %y, %x : tensor<f32>, tensor<f32>
  })";

// y(x, t) = x^2 t with x = e^t: partial derivatives, not the total one
TEST(AutodiffTest, IntermediateValuesCountAsIndependent) {
  double t = 0.7, x = std::exp(t);
  auto slope = [&](bool alongX, bool alongT) {
    Traced f(kChain);
    Graph g = f.graph();
    Value one = g.constant(1, f.output());
    Value pushed = jvp(g, {f.output()}, {f.output(1), f.argument(0)},
                       {alongX ? one : Value(), alongT ? one : Value()})[0];
    return f.evaluate({pushed}, {scalar(t)});
  };
  EXPECT_NEAR(slope(true, false), 2 * x * t, 1e-12);
  EXPECT_NEAR(slope(false, true), x * x, 1e-12);
  EXPECT_NEAR(slope(true, true), 2 * x * t + x * x, 1e-12);
  for (unsigned i : {0, 1}) {
    Traced f(kChain);
    Graph g = f.graph();
    Value one = g.constant(1, f.output());
    SmallVector<Value> pulled =
        vjp(g, {f.output()}, {one}, {f.output(1), f.argument(0)});
    EXPECT_NEAR(f.evaluate({pulled[i]}, {scalar(t)}),
                i == 0 ? 2 * x * t : x * x, 1e-12);
  }
}

// loss(x) = (d/dx sin x . v)^2 / 2 with v = x, differentiated by x
TEST(AutodiffTest, DifferentiatesALossThatHoldsAJvp) {
  Traced f(R"(
    func.func @f(%x: tensor<f32>) -> tensor<f32> {
      %y = phlox.sin %x : tensor<f32>
      return %y : tensor<f32>
    })");
  Graph g = f.graph();
  Value x = f.argument(0);
  Value push = jvp(g, {f.output()}, {x}, {x})[0];
  Value loss = g.scale(g.square(push), 0.5);
  Value slope = vjp(g, {loss}, {g.constant(1, loss)}, {x})[0];
  double at = 0.6, inside = std::cos(at) * at;
  EXPECT_NEAR(f.evaluate({slope}, {scalar(at)}),
              inside * (std::cos(at) - at * std::sin(at)), 1e-12);
}

TEST(AutodiffTest, GradientOfAGradient) {
  Traced f(R"(
    func.func @f(%x: tensor<f32>) -> tensor<f32> {
      %s = phlox.square %x : tensor<f32>
      %y = phlox.mul %s, %s : tensor<f32>
      return %y : tensor<f32>
    })");
  Graph g = f.graph();
  Value x = f.argument(0), slope = f.output();
  for (double wanted : {4 * 8.0, 12 * 4.0, 24 * 2.0, 24.0}) {
    slope = vjp(g, {slope}, {g.constant(1, slope)}, {x})[0];
    ASSERT_TRUE(slope);
    EXPECT_NEAR(f.evaluate({slope}, {scalar(2)}), wanted, 1e-10);
  }
}

TEST(AutodiffTest, TiesShareTheSlopeOfAMaximum) {
  Traced f(R"(
    func.func @f(%x: tensor<4xf32>) -> tensor<f32> {
      %y = phlox.reduce max, %x, [0] : tensor<4xf32> -> tensor<f32>
      return %y : tensor<f32>
    })");
  Graph g = f.graph();
  Value slope =
      vjp(g, {f.output()}, {g.constant(1, f.output())}, {f.argument(0)})[0];
  setOutputs(f.function, {slope});
  EXPECT_EQ(run(f.function, {real({4}, {1, 3, 2, 3})})[0].reals,
            (std::vector<double>{0, 0.5, 0, 0.5}));
}

// the laws can fail: stopgradient makes the derivative another one
TEST(AutodiffTest, LawsRejectAWrongDerivative) {
  static Traced f(R"(
    func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {
      %s = phlox.stopgradient %x : tensor<3xf32>
      %y = phlox.mul %s, %x : tensor<3xf32>
      return %y : tensor<3xf32>
    })");
  static Random random(5);
  EXPECT_NONFATAL_FAILURE(
      checkLaws(f.function, {real({3}, {1, 2, 3})}, random, 1),
      "centralDifference");
}

TEST(AutodiffTest, DerivativesKeepTheLocationOfTheirOp) {
  Traced f(R"(
    func.func @f(%x: tensor<f32>) -> tensor<f32> {
      %y = phlox.sin %x : tensor<f32> loc("actor/layer1")
      return %y : tensor<f32>
    })");
  Graph g = f.graph();
  mlir::Location own = g.location;
  Value slope =
      vjp(g, {f.output()}, {g.constant(1, f.output())}, {f.argument(0)})[0];
  EXPECT_EQ(slope.getLoc(), f.output().getLoc());
  EXPECT_EQ(g.location, own);
}

} // namespace
} // namespace phlox::test
