// Small dense linear algebra: one matrix per vector lane, elimination with
// partial pivoting, all lanes in step.
#include "compiler/codegen/KernelBuilder.h"
#include "compiler/codegen/OwnKernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace phlox {
namespace {

// `width` matrices of n rows and `columns` columns, side by side in the frame
class Lanes {
public:
  Lanes(KernelBuilder &k, int64_t n, int64_t columns, int64_t width)
      : k(k), vb(k.b, width), n(n), columns(columns), width(width) {
    auto function = k.b.getInsertionBlock()->getParentOp();
    while (!mlir::isa<mlir::LLVM::LLVMFuncOp>(function))
      function = function->getParentOp();
    mlir::OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(&function->getRegion(0).front());
    auto pointer = mlir::LLVM::LLVMPointerType::get(k.b.getContext());
    memory = mlir::LLVM::AllocaOp::create(k.b, pointer, k.b.getF32Type(),
                                          k.i64(n * columns * width), 64);
  }

  Value at(Value row, Value column) {
    return k.mul(k.add(k.mul(row, columns), column), width);
  }
  Value get(Value row, Value column) {
    return k.load(memory, at(row, column), k.b.getF32Type(), width);
  }
  void set(Value row, Value column, Value value) {
    k.store(value, memory, at(row, column));
  }

  // moves the largest entry of column `step` at or below the diagonal up
  void pivot(Value step) {
    k.loop(k.add(step, 1), k.i64(n), 1, [&](Value row) {
      Value larger =
          vb.compare(VectorBuilder::Order::gt, vb.abs(get(row, step)),
                     vb.abs(get(step, step)));
      k.loop(0, columns, 1, [&](Value column) {
        Value upper = get(step, column), lower = get(row, column);
        set(step, column, vb.select(larger, lower, upper));
        set(row, column, vb.select(larger, upper, lower));
      });
    });
  }

  // row -= factor * row `step`, from column `first` on
  void eliminate(Value step, Value row, Value factor, Value first) {
    k.loop(first, k.i64(columns), 1, [&](Value column) {
      set(row, column,
          vb.fma(vb.neg(factor), get(step, column), get(row, column)));
    });
  }

  KernelBuilder &k;
  VectorBuilder vb;
  int64_t n, columns, width;
  Value memory;
};

int64_t matrices(RankedTensorType type) {
  int64_t n = type.getShape().back();
  return type.getNumElements() / (n * n);
}

int64_t tasksOf(int64_t count) {
  return count >= 64 && count % 64 == 0 ? std::min<int64_t>(count / 64, 16) : 1;
}

// runs `body(first matrix, lanes)` over the matrices of one task
void overMatrices(KernelBuilder &k, int64_t count, int64_t tasks, Value task,
                  llvm::function_ref<void(Value, int64_t)> body) {
  Value first = k.mul(task, count / tasks);
  k.vectors(count / tasks,
            [&](Value i, int64_t width) { body(k.add(first, i), width); });
}

// where an element of the matrix `first` is
Value place(KernelBuilder &k, Value first, int64_t n, Value i, Value j) {
  return k.add(k.mul(first, n * n), k.add(k.mul(i, n), j));
}
} // namespace

OwnKernel logDetKernel(LogDetOp op) {
  int64_t n = shapeOf(op.getX()).back(),
          count = matrices(tensorType(op.getX()));
  int64_t tasks = tasksOf(count);
  return {
      tasks, [=](KernelBuilder &k, Value task) {
        overMatrices(k, count, tasks, task, [&](Value first, int64_t width) {
          Lanes m(k, n, n, width);
          auto &vb = m.vb;
          k.loop(0, n, 1, [&](Value i) {
            k.loop(0, n, 1, [&](Value j) {
              Value index = place(k, first, n, i, j);
              m.set(
                  i, j,
                  k.load(k.operands[0], index, k.b.getF32Type(), width, n * n));
            });
          });
          auto sum = k.loopCarrying(
              k.i64(0), k.i64(n), 1, {vb.real(0)},
              [&](Value step, mlir::ValueRange total) {
                m.pivot(step);
                Value pivot = m.get(step, step);
                Value zero =
                    vb.compare(VectorBuilder::Order::eq, pivot, vb.real(0));
                // a singular matrix: nothing left to eliminate
                Value inverse =
                    vb.select(zero, vb.real(0), vb.div(vb.real(1), pivot));
                k.loop(k.add(step, 1), k.i64(n), 1, [&](Value row) {
                  Value factor = vb.mul(m.get(row, step), inverse);
                  m.eliminate(step, row, factor, k.add(step, 1));
                });
                return SmallVector<Value>{
                    vb.add(total[0], vb.log(vb.abs(pivot)))};
              });
          k.store(sum[0], k.result, first);
        });
      }};
}

OwnKernel inverseKernel(InverseOp op) {
  int64_t n = shapeOf(op.getX()).back(),
          count = matrices(tensorType(op.getX()));
  int64_t tasks = tasksOf(count);
  return {
      tasks, [=](KernelBuilder &k, Value task) {
        overMatrices(k, count, tasks, task, [&](Value first, int64_t width) {
          Lanes m(k, n, 2 * n, width);
          auto &vb = m.vb;
          auto f32 = k.b.getF32Type();
          k.loop(0, n, 1, [&](Value i) {
            k.loop(0, n, 1, [&](Value j) {
              Value index = place(k, first, n, i, j);
              m.set(i, j, k.load(k.operands[0], index, f32, width, n * n));
              m.set(i, k.add(j, n), vb.real(0));
            });
            m.set(i, k.add(i, n), vb.real(1));
          });
          k.loop(0, n, 1, [&](Value step) {
            m.pivot(step);
            Value inverse = vb.div(vb.real(1), m.get(step, step));
            k.loop(0, 2 * n, 1, [&](Value column) {
              m.set(step, column, vb.mul(m.get(step, column), inverse));
            });
            k.loop(0, n, 1, [&](Value row) {
              Value other = mlir::arith::CmpIOp::create(
                  k.b, mlir::arith::CmpIPredicate::ne, row, step);
              k.when(other, [&] {
                m.eliminate(step, row, m.get(row, step), k.i64(0));
              });
            });
          });
          k.loop(0, n, 1, [&](Value i) {
            k.loop(0, n, 1, [&](Value j) {
              Value index = place(k, first, n, i, j);
              k.store(m.get(i, k.add(j, n)), k.result, index, n * n);
            });
          });
        });
      }};
}

// L^T is made where the upper triangle would be, row by row
OwnKernel choleskyKernel(CholeskyOp op) {
  int64_t n = shapeOf(op.getX()).back(),
          count = matrices(tensorType(op.getX()));
  int64_t tasks = tasksOf(count);
  return {
      tasks, [=](KernelBuilder &k, Value task) {
        overMatrices(k, count, tasks, task, [&](Value first, int64_t width) {
          Lanes m(k, n, n, width);
          auto &vb = m.vb;
          auto f32 = k.b.getF32Type();
          k.loop(0, n, 1, [&](Value j) {
            k.loop(j, k.i64(n), 1, [&](Value i) {
              m.set(j, i,
                    k.load(k.operands[0], place(k, first, n, i, j), f32, width,
                           n * n));
            });
          });
          k.loop(0, n, 1, [&](Value step) {
            Value pivot = m.get(step, step);
            Value positive =
                vb.compare(VectorBuilder::Order::gt, pivot, vb.real(0));
            Value root =
                vb.select(positive, vb.sqrt(pivot),
                          vb.real(std::numeric_limits<double>::quiet_NaN()));
            k.loop(step, k.i64(n), 1, [&](Value i) {
              m.set(step, i, vb.div(m.get(step, i), root));
            });
            k.loop(k.add(step, 1), k.i64(n), 1, [&](Value row) {
              m.eliminate(step, row, m.get(step, row), row);
            });
          });
          k.loop(0, n, 1, [&](Value j) {
            k.loop(k.i64(0), j, 1, [&](Value i) {
              k.store(vb.real(0), k.result, place(k, first, n, i, j), n * n);
            });
            k.loop(j, k.i64(n), 1, [&](Value i) {
              k.store(m.get(j, i), k.result, place(k, first, n, i, j), n * n);
            });
          });
        });
      }};
}

} // namespace phlox
