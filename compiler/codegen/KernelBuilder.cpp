#include "compiler/codegen/KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace phlox {
namespace arith = mlir::arith;
namespace LLVM = mlir::LLVM;
namespace scf = mlir::scf;
namespace vector = mlir::vector;

Value KernelBuilder::i64(int64_t number) {
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(number));
}
Value KernelBuilder::add(Value x, Value y) {
  return arith::AddIOp::create(b, x, y);
}
Value KernelBuilder::add(Value x, int64_t y) { return y ? add(x, i64(y)) : x; }
Value KernelBuilder::mul(Value x, int64_t y) {
  return y == 1 ? x : arith::MulIOp::create(b, x, i64(y)).getResult();
}
Value KernelBuilder::less(Value x, Value y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
}

void KernelBuilder::loop(Value from, Value to, int64_t step,
                         llvm::function_ref<void(Value)> body) {
  loopCarrying(from, to, step, {}, [&](Value i, mlir::ValueRange) {
    body(i);
    return SmallVector<Value>{};
  });
}

SmallVector<Value> KernelBuilder::loopCarrying(
    Value from, Value to, int64_t step, mlir::ValueRange inits,
    llvm::function_ref<SmallVector<Value>(Value, mlir::ValueRange)> body) {
  auto loop = scf::ForOp::create(b, from, to, i64(step), inits);
  mlir::OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  // a loop without carries already has its terminator
  if (!inits.empty())
    scf::YieldOp::create(b, next);
  return SmallVector<Value>(loop.getResults());
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, condition, /*withElse=*/false);
  mlir::OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

void KernelBuilder::vectors(int64_t extent,
                            llvm::function_ref<void(Value, int64_t)> body) {
  int64_t main = extent / lanes * lanes;
  if (main)
    loop(0, main, lanes, [&](Value i) { body(i, lanes); });
  if (extent > main)
    body(i64(main), extent - main);
}

Value KernelBuilder::address(Value base, Value index, mlir::Type element) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  mlir::Type unit = element.isInteger(1) ? b.getI8Type() : element;
  return LLVM::GEPOp::create(b, pointer, unit, base,
                             ArrayRef<LLVM::GEPArg>{index});
}

Value KernelBuilder::load(Value base, Value index, mlir::Type element,
                          int64_t width, int64_t stride) {
  bool truth = element.isInteger(1);
  mlir::Type unit = truth ? b.getI8Type() : element;
  unsigned align = unit.getIntOrFloatBitWidth() / 8;
  auto type = mlir::VectorType::get({width}, unit);
  Value loaded;
  if (stride == 1) {
    loaded =
        LLVM::LoadOp::create(b, type, address(base, index, element), align);
  } else if (stride == 0) {
    Value scalar =
        LLVM::LoadOp::create(b, unit, address(base, index, element), align);
    loaded = vector::BroadcastOp::create(b, type, scalar);
  } else {
    SmallVector<Value> lanesOf;
    for (int64_t lane = 0; lane < width; lane++)
      lanesOf.push_back(LLVM::LoadOp::create(
          b, unit, address(base, add(index, lane * stride), element), align));
    loaded = vector::FromElementsOp::create(b, type, lanesOf);
  }
  if (!truth)
    return loaded;
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, loaded, zero);
}

void KernelBuilder::store(Value value, Value base, Value index,
                          int64_t stride) {
  auto type = mlir::cast<mlir::VectorType>(value.getType());
  mlir::Type element = type.getElementType();
  if (element.isInteger(1)) {
    type = type.clone(b.getI8Type());
    value = arith::ExtUIOp::create(b, type, value);
  }
  unsigned align = type.getElementTypeBitWidth() / 8;
  if (stride == 1) {
    LLVM::StoreOp::create(b, value, address(base, index, element), align);
    return;
  }
  for (int64_t lane = 0; lane < type.getNumElements(); lane++)
    LLVM::StoreOp::create(
        b, vector::ExtractOp::create(b, value, lane).getResult(),
        address(base, add(index, lane * stride), element), align);
}

Value KernelBuilder::loadScalar(Value base, Value index, mlir::Type element) {
  Value one = load(base, index, element, 1);
  return vector::ExtractOp::create(b, one, int64_t(0));
}

void KernelBuilder::storeScalar(Value scalar, Value base, Value index) {
  auto type = mlir::VectorType::get({1}, scalar.getType());
  store(vector::BroadcastOp::create(b, type, scalar), base, index);
}

Value KernelBuilder::horizontal(
    Value value,
    llvm::function_ref<Value(VectorBuilder &, Value, Value)> join) {
  int64_t width =
      mlir::cast<mlir::VectorType>(value.getType()).getNumElements();
  // halves while they are even, then lane by lane
  while (width > 1 && width % 2 == 0) {
    width /= 2;
    VectorBuilder vb(b, width);
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < width; i++) {
      low.push_back(i);
      high.push_back(width + i);
    }
    Value x = vector::ShuffleOp::create(b, value, value, low);
    Value y = vector::ShuffleOp::create(b, value, value, high);
    value = join(vb, x, y);
  }
  VectorBuilder one(b, 1);
  auto single = mlir::VectorType::get(
      {1}, mlir::cast<mlir::VectorType>(value.getType()).getElementType());
  auto lane = [&](int64_t i) -> Value {
    return vector::BroadcastOp::create(
        b, single, vector::ExtractOp::create(b, value, i).getResult());
  };
  Value total = lane(0);
  for (int64_t i = 1; i < width; i++)
    total = join(one, total, lane(i));
  return vector::ExtractOp::create(b, total, int64_t(0));
}

Value KernelBuilder::taskBegin(Value task, int64_t tasks, int64_t count) {
  if (count % tasks == 0)
    return mul(task, count / tasks);
  return arith::DivUIOp::create(b, mul(task, count), i64(tasks));
}

} // namespace phlox
