// Kernels that move elements or walk along one axis.
#include "compiler/codegen/OwnKernels.h"
#include "compiler/codegen/KernelBuilder.h"
#include "compiler/interpreter/Evaluation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

namespace phlox {
namespace arith = mlir::arith;

namespace {
int64_t product(ArrayRef<int64_t> extents) {
  int64_t result = 1;
  for (int64_t extent : extents)
    result *= extent;
  return result;
}

// a shape as (outer, axis, inner)
struct Walk {
  int64_t outer, extent, inner;
  Walk(ArrayRef<int64_t> shape, int64_t axis)
      : outer(product(shape.take_front(axis))), extent(shape[axis]),
        inner(product(shape.drop_front(axis + 1))) {}
};

// splits `count` items over about `most` tasks
int64_t cut(int64_t count, int64_t most) {
  return std::max<int64_t>(1, std::min(count, most));
}

// an index tensor's element, clamped to [0, count), as i64
Value clampedIndex(KernelBuilder &k, Value base, Value at, int64_t count) {
  Value raw = k.loadScalar(base, at, k.b.getI32Type());
  Value wide = arith::ExtUIOp::create(k.b, k.b.getI64Type(), raw);
  return arith::MinUIOp::create(k.b, wide, k.i64(count - 1));
}
} // namespace

OwnKernel padKernel(PadOp op) {
  SmallVector<int64_t> low(op.getLow()), from(shapeOf(op.getX())),
      to(shapeOf(op.getResult()));
  return {
      1, [=](KernelBuilder &k, Value) {
        auto element = k.resultType.getElementType();
        auto zero = [&](int64_t width) -> Value {
          return arith::ConstantOp::create(
              k.b, k.b.getZeroAttr(mlir::VectorType::get({width}, element)));
        };
        k.vectors(product(to), [&](Value i, int64_t width) {
          k.store(zero(width), k.result, i);
        });
        auto fromStrides = stridesOf(from), toStrides = stridesOf(to);
        std::function<void(unsigned, Value, Value)> copy = [&](unsigned axis,
                                                               Value source,
                                                               Value target) {
          if (axis == from.size()) { // rank 0
            k.store(k.load(k.operands[0], source, element, 1), k.result,
                    target);
            return;
          }
          target = k.add(target, low[axis] * toStrides[axis]);
          if (axis + 1 == from.size()) {
            k.vectors(from[axis], [&](Value i, int64_t width) {
              Value v = k.load(k.operands[0], k.add(source, i), element, width);
              k.store(v, k.result, k.add(target, i));
            });
            return;
          }
          k.loop(0, from[axis], 1, [&](Value i) {
            copy(axis + 1, k.add(source, k.mul(i, fromStrides[axis])),
                 k.add(target, k.mul(i, toStrides[axis])));
          });
        };
        copy(0, k.i64(0), k.i64(0));
      }};
}

OwnKernel gatherKernel(GatherOp op) {
  int64_t axis = tensorType(op.getIndex()).getRank();
  Walk walk(shapeOf(op.getX()), axis);
  int64_t tasks = cut(walk.outer, 8);
  return {tasks, [=](KernelBuilder &k, Value task) {
            auto element = k.resultType.getElementType();
            Value from = k.taskBegin(task, tasks, walk.outer);
            Value to = k.taskBegin(k.add(task, 1), tasks, walk.outer);
            k.loop(from, to, 1, [&](Value row) {
              Value which = clampedIndex(k, k.operands[1], row, walk.extent);
              Value source =
                  k.mul(k.add(k.mul(row, walk.extent), which), walk.inner);
              Value target = k.mul(row, walk.inner);
              k.vectors(walk.inner, [&](Value i, int64_t width) {
                Value v =
                    k.load(k.operands[0], k.add(source, i), element, width);
                k.store(v, k.result, k.add(target, i));
              });
            });
          }};
}

OwnKernel scatterAddKernel(ScatterAddOp op) {
  int64_t axis = tensorType(op.getIndex()).getRank();
  Walk walk(shapeOf(op.getResult()), axis);
  int64_t tasks = cut(walk.outer, 8);
  return {tasks, [=](KernelBuilder &k, Value task) {
            auto element = k.resultType.getElementType();
            Value from = k.taskBegin(task, tasks, walk.outer);
            Value to = k.taskBegin(k.add(task, 1), tasks, walk.outer);
            k.loop(from, to, 1, [&](Value row) {
              Value which = clampedIndex(k, k.operands[1], row, walk.extent);
              Value source = k.mul(row, walk.inner);
              k.loop(0, walk.extent, 1, [&](Value place) {
                Value here = arith::CmpIOp::create(
                    k.b, arith::CmpIPredicate::eq, place, which);
                Value target =
                    k.mul(k.add(k.mul(row, walk.extent), place), walk.inner);
                k.vectors(walk.inner, [&](Value i, int64_t width) {
                  VectorBuilder vb(k.b, width);
                  Value v =
                      k.load(k.operands[0], k.add(source, i), element, width);
                  Value kept = vb.select(vb.splat(here), v, vb.real(0));
                  k.store(kept, k.result, k.add(target, i));
                });
              });
            });
          }};
}

OwnKernel cumsumKernel(CumsumOp op) {
  Walk walk(shapeOf(op.getX()), op.getAxis());
  bool reverse = op.getReverse();
  int64_t tasks = cut(walk.outer, 8);
  return {tasks, [=](KernelBuilder &k, Value task) {
            auto f32 = k.b.getF32Type();
            Value from = k.taskBegin(task, tasks, walk.outer);
            Value to = k.taskBegin(k.add(task, 1), tasks, walk.outer);
            k.loop(from, to, 1, [&](Value row) {
              Value start = k.mul(row, walk.extent * walk.inner);
              k.vectors(walk.inner, [&](Value i, int64_t width) {
                VectorBuilder vb(k.b, width);
                k.loopCarrying(
                    k.i64(0), k.i64(walk.extent), 1, {vb.real(0)},
                    [&](Value step, mlir::ValueRange sum) {
                      Value place = step;
                      if (reverse)
                        place = arith::SubIOp::create(
                            k.b, k.i64(walk.extent - 1), step);
                      Value at =
                          k.add(k.add(start, k.mul(place, walk.inner)), i);
                      Value next =
                          vb.add(sum[0], k.load(k.operands[0], at, f32, width));
                      k.store(next, k.result, at);
                      return SmallVector<Value>{next};
                    });
              });
            });
          }};
}

OwnKernel argMaxKernel(ArgMaxOp op) {
  Walk walk(shapeOf(op.getX()), op.getAxis());
  int64_t tasks = cut(walk.outer, 8);
  return {
      tasks, [=](KernelBuilder &k, Value task) {
        auto f32 = k.b.getF32Type();
        Value from = k.taskBegin(task, tasks, walk.outer);
        Value to = k.taskBegin(k.add(task, 1), tasks, walk.outer);
        k.loop(from, to, 1, [&](Value row) {
          Value start = k.mul(row, walk.extent * walk.inner);
          k.vectors(walk.inner, [&](Value i, int64_t width) {
            VectorBuilder vb(k.b, width);
            auto best = k.loopCarrying(
                k.i64(0), k.i64(walk.extent), 1,
                {vb.real(-std::numeric_limits<double>::infinity()),
                 vb.integer(0)},
                [&](Value place, mlir::ValueRange so_far) {
                  Value at = k.add(k.add(start, k.mul(place, walk.inner)), i);
                  Value x = k.load(k.operands[0], at, f32, width);
                  Value wins =
                      vb.compare(VectorBuilder::Order::gt, x, so_far[0]);
                  Value number = vb.splat(
                      arith::TruncIOp::create(k.b, k.b.getI32Type(), place));
                  return SmallVector<Value>{vb.select(wins, x, so_far[0]),
                                            vb.select(wins, number, so_far[1])};
                });
            k.store(best[1], k.result, k.add(k.mul(row, walk.inner), i));
          });
        });
      }};
}

} // namespace phlox
