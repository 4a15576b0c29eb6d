// Reductions: along the vector when the last axis is reduced, across vectors
// when it is kept. The order of a sum depends on shape and target alone.
#include "compiler/codegen/cpu/Emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

namespace phlox::cpu {

namespace {
Value join(VectorBuilder &vb, Reduction kind, Value x, Value y) {
  switch (kind) {
  case Reduction::max:
    return vb.max(x, y);
  case Reduction::min:
    return vb.min(x, y);
  default:
    return vb.add(x, y);
  }
}

double neutral(Reduction kind) {
  if (kind == Reduction::max)
    return -std::numeric_limits<double>::infinity();
  if (kind == Reduction::min)
    return std::numeric_limits<double>::infinity();
  return 0;
}

struct ReduceEmitter {
  Plan &plan;
  Kernel &kernel;
  KernelBuilder &k;
  Expression &expression;
  Value input;
  Access access;
  Reduction kind;
  Strides target;
  double factor = 1;

  // four sums side by side hide the latency of one
  static constexpr int64_t kChains = 4;

  Value element() { return expression.emit(input, access); }

  void finish(Value vector, int64_t width, int64_t stride) {
    VectorBuilder vb(k.b, width);
    if (factor != 1)
      vector = vb.mul(vector, vb.real(factor));
    k.store(vector, expression.base(kernel.target), expression.linear(target),
            stride);
  }

  // sums over `reduced` with one accumulator of `width` lanes
  Value across(ArrayRef<Group> reduced, int64_t width, Value sum) {
    if (reduced.empty()) {
      VectorBuilder vb(k.b, width);
      return join(vb, kind, sum, element());
    }
    return k.loopCarrying(k.i64(0), k.i64(reduced[0].extent), 1, {sum},
                          [&](Value i, mlir::ValueRange carried) {
                            expression.setIndex(reduced[0], i);
                            return SmallVector<Value>{across(
                                reduced.drop_front(), width, carried[0])};
                          })[0];
  }

  // sums along the last group with several accumulators and one for the tail
  SmallVector<Value> along(ArrayRef<Group> outer, const Group &last,
                           SmallVector<Value> sums) {
    if (!outer.empty())
      return k.loopCarrying(k.i64(0), k.i64(outer[0].extent), 1, sums,
                            [&](Value i, mlir::ValueRange carried) {
                              expression.setIndex(outer[0], i);
                              return along(outer.drop_front(), last,
                                           SmallVector<Value>(carried));
                            });
    int64_t full = last.extent / k.lanes, tail = last.extent % k.lanes;
    int64_t chains = full >= 2 * kChains ? kChains : full ? 1 : 0;
    int64_t rounds = chains ? full / chains * chains : 0;
    auto add = [&](Value sum, Value first, int64_t width) {
      expression.setIndex(last, first);
      expression.setVector(&last, width);
      VectorBuilder vb(k.b, width);
      return join(vb, kind, sum, element());
    };
    SmallVector<Value> main(sums.begin(), sums.begin() + chains);
    if (rounds)
      main = k.loopCarrying(
          k.i64(0), k.i64(rounds * k.lanes), chains * k.lanes, main,
          [&](Value i, mlir::ValueRange carried) {
            SmallVector<Value> next;
            for (int64_t c = 0; c < chains; c++)
              next.push_back(add(carried[c], k.add(i, c * k.lanes), k.lanes));
            return next;
          });
    for (int64_t v = rounds; v < full; v++)
      main[0] = add(main[0], k.i64(v * k.lanes), k.lanes);
    if (tail)
      main.push_back(add(sums.back(), k.i64(full * k.lanes), tail));
    return main;
  }

  void alongVector(ArrayRef<Group> outer, const Group &last) {
    int64_t full = last.extent / k.lanes, tail = last.extent % k.lanes;
    int64_t chains = full >= 2 * kChains ? kChains : full ? 1 : 0;
    SmallVector<Value> sums;
    for (int64_t c = 0; c < chains; c++)
      sums.push_back(VectorBuilder(k.b, k.lanes).real(neutral(kind)));
    if (tail)
      sums.push_back(VectorBuilder(k.b, tail).real(neutral(kind)));
    sums = along(outer, last, sums);
    auto joinAll = [&](VectorBuilder &vb, Value x, Value y) {
      return join(vb, kind, x, y);
    };
    VectorBuilder vb(k.b, k.lanes), one(k.b, 1);
    Value total;
    if (chains) {
      Value main = sums[0];
      for (int64_t c = 1; c < chains; c++)
        main = join(vb, kind, main, sums[c]);
      total = k.horizontal(main, joinAll);
    }
    if (tail) {
      Value rest = k.horizontal(sums.back(), joinAll);
      total = total ? joinScalars(total, rest) : rest;
    }
    expression.setVector(nullptr, 1);
    auto type = mlir::VectorType::get({1}, k.b.getF32Type());
    finish(mlir::vector::BroadcastOp::create(k.b, type, total), 1, 1);
  }

  Value joinScalars(Value x, Value y) {
    VectorBuilder one(k.b, 1);
    auto type = mlir::VectorType::get({1}, k.b.getF32Type());
    Value vx = mlir::vector::BroadcastOp::create(k.b, type, x);
    Value vy = mlir::vector::BroadcastOp::create(k.b, type, y);
    return mlir::vector::ExtractOp::create(k.b, join(one, kind, vx, vy),
                                           int64_t(0));
  }
};
} // namespace

void emitReduce(Plan &plan, Kernel &kernel, KernelBuilder &k,
                mlir::ValueRange addresses, Value task) {
  auto reduce = mlir::cast<ReduceOp>(kernel.anchor);
  Value input = reduce.getX();
  auto shape = shapeOf(input);
  Expression expression(plan, kernel, k, shape);
  expression.setBases(addresses);
  ReduceEmitter emitter{plan,
                        kernel,
                        k,
                        expression,
                        input,
                        Expression::identity(shape.size()),
                        reduce.getKind(),
                        {}};
  SmallVector<int> kinds(shape.size(), 0);
  for (int64_t axis : reduce.getAxes())
    kinds[axis] = 1;
  emitter.target.perDim.assign(shape.size(), 0);
  int64_t kept = 0, joined = 1;
  for (unsigned dim = 0; dim < shape.size(); dim++) {
    if (kinds[dim])
      joined *= shape[dim];
    else
      emitter.target.perDim[dim] = kernel.targetStrides[kept++];
  }
  if (reduce.getKind() == Reduction::mean)
    emitter.factor = 1.0 / joined;
  auto groups =
      expression.groups(input, emitter.access, {&emitter.target}, kinds);
  SmallVector<Group> keptGroups, reducedGroups;
  for (auto &group : groups)
    (kinds[group.last] ? reducedGroups : keptGroups).push_back(group);

  expression.guarded([&] {
    if (reducedGroups.empty()) { // only unit axes are reduced
      kernel.tasks = 1;
      if (keptGroups.empty()) {
        emitter.finish(emitter.element(), 1, 1);
        return;
      }
      ArrayRef<Group> outer = ArrayRef<Group>(keptGroups).drop_back();
      emitLoops(k, expression, outer, 1, task, Value(), [&] {
        emitVectors(k, expression, keptGroups.back(), 1, Value(), Value(),
                    [&](int64_t width) {
                      emitter.finish(emitter.element(), width,
                                     expression.vectorStride(emitter.target));
                    });
      });
      return;
    }
    bool lastReduced = kinds[groups.back().last] == 1;
    if (lastReduced) {
      kernel.tasks =
          keptGroups.empty() ? 1 : tasksFor(kernel.cost, keptGroups[0].extent);
      emitLoops(k, expression, keptGroups, kernel.tasks, task, Value(), [&] {
        emitter.alongVector(ArrayRef<Group>(reducedGroups).drop_back(),
                            reducedGroups.back());
      });
      return;
    }
    auto vectorBody = [&](int64_t width) {
      VectorBuilder vb(k.b, width);
      auto *group = &keptGroups.back();
      Value sum =
          emitter.across(reducedGroups, width, vb.real(neutral(emitter.kind)));
      expression.setVector(group, width);
      emitter.finish(sum, width, expression.vectorStride(emitter.target));
    };
    ArrayRef<Group> outer = ArrayRef<Group>(keptGroups).drop_back();
    if (outer.empty()) {
      kernel.tasks = tasksFor(kernel.cost, keptGroups[0].extent / k.lanes);
      emitVectors(k, expression, keptGroups[0], kernel.tasks, task, Value(),
                  vectorBody);
      return;
    }
    kernel.tasks = tasksFor(kernel.cost, outer[0].extent);
    emitLoops(k, expression, outer, kernel.tasks, task, Value(), [&] {
      emitVectors(k, expression, keptGroups.back(), 1, Value(), Value(),
                  vectorBody);
    });
  });
}

} // namespace phlox::cpu
