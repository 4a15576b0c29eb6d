// Scans: carries, captures, nesting, derivatives, and what a body may not do.
#include "dsl/program.h"
#include "test/support/program_runner.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<double> run(const std::function<Tensor(Entry &, Tensor)> &body) {
  Program program("test");
  program.entry("f",
                [&](Entry &e) { e.output("y", body(e, e.input("x", {3}))); });
  auto arguments = test::randomArguments(program.module(), "f", 1);
  arguments.at("x").reals = {1, 2, 3};
  return test::interpretEntry(program.module(), "f", arguments).at("y").reals;
}

std::string message(const std::function<Tensor(Entry &, Tensor)> &body) {
  try {
    run(body);
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

TEST(Scan, CarriesAndStacks) {
  auto body = [](auto &carries, auto &xs) {
    Tensor sum = carries[0] + xs[0];
    return ScanStep{{sum}, {sum * 10}};
  };
  EXPECT_THAT(run([&](Entry &e, Tensor x) {
                return scan(3, {e.scalar(1)}, {x}, body).carries[0];
              }),
              ElementsAre(7));
  EXPECT_THAT(run([&](Entry &e, Tensor x) {
                return scan(3, {e.scalar(1)}, {x}, body).ys[0];
              }),
              ElementsAre(20, 40, 70));
  EXPECT_THAT(run([&](Entry &e, Tensor x) {
                return scan(3, {e.scalar(1)}, {x}, body, true).ys[0];
              }),
              ElementsAre(70, 60, 40));
}

TEST(Scan, BodiesUseOuterTensorsAtAnyDepth) {
  EXPECT_THAT(run([](Entry &e, Tensor x) {
                Tensor two = e.scalar(2);
                return scan(2, {x}, {},
                            [&](auto &outer, auto &) {
                              Tensor offset = outer[0] * 0 + 1;
                              return ScanStep{
                                  {scan(2, {outer[0]}, {},
                                        [&](auto &inner, auto &) {
                                          return ScanStep{
                                              {inner[0] * two + offset + x * 0},
                                              {}};
                                        })
                                       .carries[0]},
                                  {}};
                            })
                    .carries[0];
              }),
              ElementsAre(31, 47, 63));
}

TEST(Scan, DifferentiatesInsideAndThrough) {
  // x^8 by three squarings: derivative 8 x^7
  EXPECT_THAT(run([](Entry &, Tensor x) {
                Tensor y = scan(3, {x}, {}, [](auto &carries, auto &) {
                             return ScanStep{{square(carries[0])}, {}};
                           }).carries[0];
                return grad(sum(y), {x})[0];
              }),
              ElementsAre(8, 1024, 17496));
  // a jvp in the body, of an outer tensor too
  EXPECT_THAT(run([](Entry &e, Tensor x) {
                return scan(2, {fill(x, {3}, 0)}, {},
                            [&](auto &carries, auto &) {
                              Tensor slope = jvp(square(x), {x}, {1});
                              return ScanStep{{carries[0] + slope}, {}};
                            })
                    .carries[0];
              }),
              ElementsAre(4, 8, 12));
}

// The loss of a chain with a carry, a capture and both outputs, its gradients
// and outputs; stride 0: the plain scan.
std::vector<double> chain(int64_t stride, bool reverse) {
  Program program("test");
  program.entry("f", [&](Entry &e) {
    Tensor x = e.input("x", {3}), rows = e.input("rows", {11, 3});
    auto body = [&](auto &carries, auto &xs) {
      Tensor next = sin(carries[0] * xs[0]) + x;
      return ScanStep{{next}, {square(next)}};
    };
    ScanStep found = stride ? remat_scan(11, stride, {x}, {rows}, body, reverse)
                            : scan(11, {x}, {rows}, body, reverse);
    Tensor loss = sum(found.carries[0]) + sum(found.ys[0] * rows);
    auto slopes = grad(loss, {x, rows});
    e.output("y", concat({fill(loss, {1}, 0) + loss, slopes[0],
                          reshape(slopes[1], {33}), reshape(found.ys[0], {33})},
                         0));
  });
  auto arguments = test::randomArguments(program.module(), "f", 1);
  auto y = test::interpretEntry(program.module(), "f", arguments).at("y");
  if (stride == 4) {
    test::CompiledProgram compiled(program.module());
    EXPECT_LT(test::distance(compiled.run("f", arguments).at("y"), y), 1e-5);
  }
  return y.reals;
}

TEST(Scan, RematerialisedGradientsAreTheSame) {
  for (bool reverse : {false, true})
    for (int64_t stride : {1, 3, 4, 11, 20})
      EXPECT_THAT(
          chain(stride, reverse),
          testing::Pointwise(testing::DoubleNear(1e-12), chain(0, reverse)))
          << stride << reverse;
}

TEST(Scan, RematerialisedGradientsStoreLess) {
  auto largest = [](bool remat) {
    Program program("test");
    program.entry("f", [&](Entry &e) {
      Tensor x = e.input("x", {3});
      auto body = [](auto &carries, auto &) {
        return ScanStep{{sin(carries[0])}, {}};
      };
      ScanStep found =
          remat ? remat_scan(100, 10, {x}, {}, body) : scan(100, {x}, {}, body);
      e.output("y", grad(sum(found.carries[0]), {x})[0]);
    });
    int64_t elements = 0;
    program.module().walk([&](mlir::Operation *op) {
      for (mlir::Value result : op->getResults())
        elements = std::max(elements, tensorType(result).getNumElements());
    });
    return elements;
  };
  EXPECT_EQ(largest(false), 300);
  EXPECT_EQ(largest(true), 30);
}

TEST(Scan, RefusesWhatDoesNotFit) {
  auto same = [](auto &carries, auto &) { return ScanStep{carries, {}}; };
  EXPECT_THAT(message([&](Entry &, Tensor x) {
                return scan(0, {x}, {}, same).carries[0];
              }),
              HasSubstr("[scan_c1] length must be 1 or more: got 0"));
  EXPECT_THAT(message([&](Entry &, Tensor x) {
                return scan(4, {x}, {x}, same).carries[0];
              }),
              HasSubstr("[scan_c2] leading extent of xs must be 4: got 3"));
  EXPECT_THAT(message([&](Entry &, Tensor x) {
                return scan(2, {x}, {},
                            [](auto &carries, auto &) {
                              return ScanStep{{sum(carries[0])}, {}};
                            })
                    .carries[0];
              }),
              HasSubstr("[scan_c3] carry 0 must be 3 as its init: got ()"));
  EXPECT_THAT(message([&](Entry &, Tensor x) {
                return scan(2, {x}, {},
                            [](auto &, auto &) { return ScanStep{}; })
                    .carries[0];
              }),
              HasSubstr("[scan_c3] body must return 1 carries: got 0"));
  EXPECT_THAT(message([&](Entry &, Tensor) {
                return scan(2, {}, {}, same).carries[0];
              }),
              HasSubstr("scan: inits or xs must hold a tensor: got none"));
  EXPECT_THAT(message([&](Entry &, Tensor x) {
                return scan(2, {x, Tensor()}, {}, same).carries[0];
              }),
              HasSubstr("scan: tensors must belong to one entry point"));
}

TEST(Scan, TensorsOfABodyStayInside) {
  EXPECT_THAT(message([](Entry &, Tensor x) {
                Tensor leaked;
                scan(2, {x}, {}, [&](auto &carries, auto &) {
                  leaked = carries[0] * 2;
                  return ScanStep{carries, {}};
                });
                return exp(leaked);
              }),
              HasSubstr("tensor must be used inside the body that made it"));
}

TEST(Scan, NoiseIsDrawnOutside) {
  EXPECT_THAT(message([](Entry &e, Tensor x) {
                Key key(e.count(1), e.count(2), "f");
                return scan(2, {x}, {},
                            [&](auto &carries, auto &) {
                              return ScanStep{
                                  {carries[0] + key.normal("a", {3})}, {}};
                            })
                    .carries[0];
              }),
              HasSubstr("noise must be drawn outside of a scan's body, one "
                        "draw for all its runs: got 'f/a' inside"));
}

} // namespace
} // namespace phlox
