// Scans against their unrolled form, and their derivatives.
#include "compiler/autodiff/Autodiff.h"
#include "mlir/IR/IRMapping.h"
#include "test/support/graph_functions.h"
#include <gtest/gtest.h>

namespace phlox::test {
namespace {

// carries, xs, constants, a carry that nothing moves and a y that nobody wants
constexpr llvm::StringLiteral kRecurrent = R"(
  func.func @recurrent(%h: tensor<2xf32>, %n: tensor<i32>, %x: tensor<3x2xf32>,
                       %w: tensor<2x2xf32>, %b: tensor<2xf32>)
      -> (tensor<2xf32>, tensor<3x2xf32>) {
    %r:4 = phlox.scan 3 DIRECTION inits(%h, %n : tensor<2xf32>, tensor<i32>)
        xs(%x : tensor<3x2xf32>)
        constants(%w, %b : tensor<2x2xf32>, tensor<2xf32>)
        carries(tensor<2xf32>, tensor<i32>)
           ys(tensor<3x2xf32>, tensor<3x2xf32>) {
      ^bb0(%c: tensor<2xf32>, %k: tensor<i32>, %row: tensor<2xf32>,
           %m: tensor<2x2xf32>, %d: tensor<2xf32>):
        %v = phlox.expand %c axis = 0 : tensor<2xf32> -> tensor<1x2xf32>
        %p = phlox.matmul %v, %m
          : tensor<1x2xf32>, tensor<2x2xf32> -> tensor<1x2xf32>
        %q = phlox.reshape %p, [2] : tensor<1x2xf32> -> tensor<2xf32>
        %s = phlox.add %q, %row : tensor<2xf32>
        %t = phlox.tanh %s : tensor<2xf32>
        %y = phlox.mul %t, %d : tensor<2xf32>
        %u = phlox.exp %c : tensor<2xf32>
        phlox.yield %t, %k, %y, %u
          : tensor<2xf32>, tensor<i32>, tensor<2xf32>, tensor<2xf32>
    }
    return %r#0, %r#2 : tensor<2xf32>, tensor<3x2xf32>
  })";

// a scan in a scan; the inner one's constant is the outer one's carry
constexpr llvm::StringLiteral kNested = R"(
  func.func @nested(%h: tensor<2xf32>, %x: tensor<3x2x2xf32>, %w: tensor<2xf32>)
      -> tensor<2xf32> {
    %r = phlox.scan 3 inits(%h : tensor<2xf32>) xs(%x : tensor<3x2x2xf32>)
        constants(%w : tensor<2xf32>) carries(tensor<2xf32>) {
      ^bb0(%c: tensor<2xf32>, %rows: tensor<2x2xf32>, %d: tensor<2xf32>):
        %i:2 = phlox.scan 2 reverse true inits(%d : tensor<2xf32>)
            xs(%rows : tensor<2x2xf32>) constants(%c : tensor<2xf32>)
            carries(tensor<2xf32>) ys(tensor<2x2xf32>) {
          ^bb0(%e: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<2xf32>):
            %m = phlox.mul %e, %k : tensor<2xf32>
            %s = phlox.sin %m : tensor<2xf32>
            %t = phlox.add %s, %row : tensor<2xf32>
            phlox.yield %t, %m : tensor<2xf32>, tensor<2xf32>
        }
        %z = phlox.reduce sum, %i#1, [0] : tensor<2x2xf32> -> tensor<2xf32>
        %y = phlox.mul %i#0, %z : tensor<2xf32>
        %n = phlox.tanh %y : tensor<2xf32>
        phlox.yield %n : tensor<2xf32>
    }
    return %r : tensor<2xf32>
  })";

std::string recurrent(bool reverse) {
  std::string text = kRecurrent.str();
  return text.replace(text.find("DIRECTION"), 9, reverse ? "reverse true" : "");
}

// replaces a scan by its iterations
void unroll(ScanOp scan) {
  mlir::OpBuilder builder(scan);
  Graph g(builder, scan.getLoc());
  int64_t length = scan.getLength();
  mlir::Block &body = scan.getBody().front();
  SmallVector<Value> carries(scan.getInits());
  std::vector<SmallVector<Value>> rows(scan.getYs().size(),
                                       SmallVector<Value>(length));
  for (int64_t step = 0; step < length; ++step) {
    int64_t i = scan.getReverse() ? length - 1 - step : step;
    SmallVector<Value> arguments = carries;
    for (Value x : scan.getXs()) {
      SmallVector<int64_t> start(shapeOf(x).size()), size(shapeOf(x));
      start[0] = i, size[0] = 1;
      arguments.push_back(
          g.reshape(g.make<SliceOp>(x, start, size), shapeOf(x).drop_front()));
    }
    llvm::append_range(arguments, scan.getConstants());
    mlir::IRMapping map;
    map.map(body.getArguments(), arguments);
    for (mlir::Operation &op : body.without_terminator())
      g.clone(op, map);
    SmallVector<Value> yields;
    for (Value value : body.getTerminator()->getOperands())
      yields.push_back(map.lookup(value));
    for (size_t c = 0; c < carries.size(); ++c)
      carries[c] = yields[c];
    for (size_t y = 0; y < rows.size(); ++y)
      rows[y][i] = g.make<ExpandOp>(yields[carries.size() + y], uint64_t(0));
  }
  SmallVector<Value> results = carries;
  for (ArrayRef<Value> stack : rows)
    results.push_back(g.make<ConcatOp>(stack, uint64_t(0)));
  scan->replaceAllUsesWith(results);
  scan->erase();
}

class ScanTest : public testing::TestWithParam<std::string> {
protected:
  ScanTest() : module(parse(GetParam())), function(functionOf(*module)) {}
  Tensors draw() { return normals(argumentsOf(function), random); }

  Random random{11};
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Function function;
};

TEST_P(ScanTest, DerivativesAgree) { checkLaws(function, draw(), random); }

// as a jvp inside a loss is
TEST_P(ScanTest, TangentsAreDifferentiable) {
  Function push = tangentOf(function);
  checkLaws(push, normals(argumentsOf(push), random), random, 1);
}

TEST_P(ScanTest, EqualsItsUnrolledForm) {
  auto unrolled = parse(GetParam());
  Function other = functionOf(*unrolled);
  for (ScanOp scan; true; unroll(scan)) {
    scan = nullptr;
    other.getBody().front().walk<mlir::WalkOrder::PreOrder>([&](ScanOp found) {
      scan = found;
      return mlir::WalkResult::interrupt();
    });
    if (!scan)
      break;
  }
  Tensors arguments = draw();
  EXPECT_LT(difference(run(function, arguments), run(other, arguments)), 1e-14);
  Tensors u = normals(outputsOf(function), random);
  Tensors inputs = arguments;
  inputs.insert(inputs.end(), u.begin(), u.end());
  EXPECT_LT(difference(run(cotangentOf(function), inputs),
                       run(cotangentOf(other), inputs)),
            1e-12);
}

std::string nameOf(const testing::TestParamInfo<std::string> &info) {
  return std::array{"Forward", "Reverse", "Nested"}[info.index];
}
INSTANTIATE_TEST_SUITE_P(Scans, ScanTest,
                         testing::Values(recurrent(false), recurrent(true),
                                         kNested.str()),
                         nameOf);

SmallVector<ScanOp> scansOf(Function function) {
  SmallVector<ScanOp> scans;
  for (ScanOp scan : function.getBody().getOps<ScanOp>())
    scans.push_back(scan);
  return scans;
}

struct Recurrent {
  Recurrent()
      : module(parse(recurrent(false))), function(functionOf(*module)),
        builder(function.getBody().front().getTerminator()),
        graph(builder, function.getLoc()) {}
  SmallVector<Value> pull(Value output, ArrayRef<Value> wrt) {
    return vjp(graph, {output}, {graph.constant(1, output)}, wrt);
  }
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Function function;
  mlir::OpBuilder builder;
  Graph graph;
};

TEST(ScanNeedTest, NothingIsEmittedForNoDerivative) {
  Recurrent f;
  SmallVector<Value> outputs = outputsOf(f.function);
  // the final carry does not depend on what scales the ys
  EXPECT_FALSE(f.pull(outputs[0], {f.function.getArgument(4)})[0]);
  EXPECT_EQ(scansOf(f.function).size(), 1u);
}

TEST(ScanNeedTest, TheBackwardPassHoldsOnlyWhatIsNeeded) {
  Recurrent f;
  // towards %b: the sum of tanh over the steps, which needs the carries again
  ASSERT_TRUE(f.pull(outputsOf(f.function)[1], {f.function.getArgument(4)})[0]);
  SmallVector<ScanOp> scans = scansOf(f.function);
  ASSERT_EQ(scans.size(),
            3u); // the scan, its stacked carries, the backward one
  EXPECT_EQ(scans[1].getInits().size(), 1u); // not the counter
  EXPECT_EQ(scans[1].getYs().size(), 1u);
  EXPECT_TRUE(scans[2].getReverse());
  EXPECT_EQ(scans[2].getInits().size(), 1u); // the sum for %b alone
  EXPECT_EQ(scans[2].getYs().size(), 0u);
  bool computesExp = false;
  for (ScanOp scan : ArrayRef<ScanOp>(scans).drop_front())
    scan->walk([&](ExpOp) { computesExp = true; });
  EXPECT_FALSE(computesExp); // of the y that nobody wants
}

TEST(ScanNeedTest, ALinearScanStacksNoCarries) {
  auto module = parse(R"(
    func.func @f(%h: tensor<f32>, %x: tensor<4xf32>) -> tensor<f32> {
      %r = phlox.scan 4 inits(%h : tensor<f32>) xs(%x : tensor<4xf32>)
          constants() carries(tensor<f32>) {
        ^bb0(%c: tensor<f32>, %row: tensor<f32>):
          %s = phlox.sub %row, %c : tensor<f32>
          phlox.yield %s : tensor<f32>
      }
      return %r : tensor<f32>
    })");
  Function function = functionOf(*module);
  Function pull = cotangentOf(function);
  EXPECT_EQ(scansOf(pull).size(), 2u);
  Tensors result =
      run(pull, {real({}, {5}), real({4}, {1, 2, 3, 4}), real({}, {1})});
  EXPECT_EQ(result[0].reals, (std::vector<double>{1}));
  EXPECT_EQ(result[1].reals, (std::vector<double>{-1, 1, -1, 1}));
}

TEST(ScanNeedTest, ACarryThatStartsStillMovesLater) {
  auto module = parse(R"(
    func.func @f(%h: tensor<f32>, %k: tensor<f32>) -> tensor<f32> {
      %r:2 = phlox.scan 3 inits(%h, %k : tensor<f32>, tensor<f32>) xs()
          constants() carries(tensor<f32>, tensor<f32>) {
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %s = phlox.square %b : tensor<f32>
          phlox.yield %s, %a : tensor<f32>, tensor<f32>
      }
      return %r#0 : tensor<f32>
    })");
  // a_3 = b_2^2 = a_1^2 = b_0^4: the first init has no say
  Function function = functionOf(*module);
  Tensors slopes =
      run(cotangentOf(function), {real({}, {7}), real({}, {2}), real({}, {1})});
  EXPECT_EQ(slopes[0].reals[0], 0);
  EXPECT_EQ(slopes[1].reals[0], 32);
  Tensors pushed = run(tangentOf(function), {real({}, {7}), real({}, {2}),
                                             real({}, {5}), real({}, {1})});
  EXPECT_EQ(pushed[0].reals[0], 32);
}

} // namespace
} // namespace phlox::test
