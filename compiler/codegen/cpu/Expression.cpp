#include "compiler/codegen/cpu/Expression.h"
#include "compiler/codegen/cpu/Planner.h"
#include "compiler/interpreter/Evaluation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <set>

namespace phlox::cpu {
namespace LLVM = mlir::LLVM;

Expression::Expression(Plan &plan, Kernel &kernel, KernelBuilder &builder,
                       ArrayRef<int64_t> extents)
    : plan(plan), kernel(kernel), k(builder), extents(extents),
      indices(extents.size()) {}

Access Expression::identity(int64_t rank) {
  Access access(rank);
  for (int64_t i = 0; i < rank; i++)
    access[i].dim = i;
  return access;
}

// what a kernel reads and writes, in the order of its addresses
static SmallVector<Place> placesOf(Plan &plan, const Kernel &kernel) {
  SmallVector<Place> places;
  for (Value value : kernel.reads)
    places.push_back(plan.places[value]);
  if (kernel.source)
    places.push_back(*kernel.source);
  if (kernel.packed)
    places.push_back(*kernel.packed);
  places.push_back(kernel.target);
  return places;
}

// Bytes from a buffer's start to where row 0 would lie if the whole tensor was
// around the one tile that the task has memory for.
static Value tileStart(KernelBuilder &k, const Buffer &buffer, Value tile) {
  Value task = mlir::arith::DivUIOp::create(k.b, tile,
                                            k.i64(buffer.chain->tilesPerTask));
  return mlir::arith::SubIOp::create(k.b, k.mul(task, buffer.tileBytes),
                                     k.mul(tile, buffer.tileBytes));
}

SmallVector<Value> emitAddresses(Plan &plan, const Kernel &kernel,
                                 KernelBuilder &k, Value call, Value loops,
                                 Value task) {
  auto pointer = LLVM::LLVMPointerType::get(k.b.getContext());
  auto field = [&](int64_t byte) -> Value {
    auto at = LLVM::GEPOp::create(k.b, pointer, k.b.getI8Type(), call,
                                  ArrayRef<LLVM::GEPArg>{int32_t(byte)});
    return LLVM::LoadOp::create(k.b, pointer, at);
  };
  Value roots[4]; // arena, scratch, inputs, outputs
  auto root = [&](unsigned which) {
    if (!roots[which])
      roots[which] = field(8 * which);
    return roots[which];
  };
  SmallVector<Value> addresses;
  for (const Place &place : placesOf(plan, kernel)) {
    auto *buffer = place.buffer->resolve();
    Value address;
    int64_t offset = place.offset;
    switch (buffer->storage) {
    case Storage::Leaf:
      address = root(0), offset += buffer->offset;
      break;
    case Storage::Scratch:
      address = root(1), offset += buffer->offset;
      break;
    case Storage::Input:
    case Storage::Output: {
      Value table = root(buffer->storage == Storage::Input ? 2 : 3);
      auto slot =
          LLVM::GEPOp::create(k.b, pointer, pointer, table,
                              ArrayRef<LLVM::GEPArg>{int32_t(buffer->number)});
      address = LLVM::LoadOp::create(k.b, pointer, slot);
      break;
    }
    case Storage::Constant:
      address = LLVM::AddressOfOp::create(k.b, pointer,
                                          constantName(plan, buffer->number));
      break;
    }
    Value bytes = k.i64(offset);
    if (buffer->chain)
      bytes = k.add(bytes, tileStart(k, *buffer, task));
    for (auto [depth, stride] : llvm::enumerate(place.loopStrides)) {
      if (!stride)
        continue;
      auto at = LLVM::GEPOp::create(k.b, pointer, k.b.getI64Type(), loops,
                                    ArrayRef<LLVM::GEPArg>{int32_t(depth)});
      Value index = LLVM::LoadOp::create(k.b, k.b.getI64Type(), at);
      bytes = k.add(bytes, k.mul(index, stride));
    }
    addresses.push_back(k.address(address, bytes, k.b.getI8Type()));
  }
  return addresses;
}

bool writesApart(Plan &plan, const Kernel &kernel) {
  auto places = placesOf(plan, kernel);
  auto *target = places.pop_back_val().buffer->resolve();
  if (target->storage != Storage::Scratch)
    return false; // a caller may hand one piece of memory in twice
  return llvm::none_of(places, [&](const Place &place) {
    return place.buffer->resolve() == target;
  });
}

void Expression::setBases(mlir::ValueRange addresses) {
  for (auto [place, address] : llvm::zip(placesOf(plan, kernel), addresses))
    bases.push_back({place, address});
}

void Expression::guarded(llvm::function_ref<void()> body) {
  if (!kernel.guard) {
    body();
    return;
  }
  Value holds =
      k.loadScalar(base(plan.places[kernel.guard]), k.i64(0), k.b.getI1Type());
  k.when(holds, body);
}

Value Expression::base(const Place &place) {
  for (auto &[known, address] : bases)
    if (known.buffer == place.buffer && known.offset == place.offset &&
        known.loopStrides == place.loopStrides)
      return address;
  llvm::report_fatal_error("phlox: a kernel reads a value that its plan does "
                           "not list");
}

Strides Expression::stridesFor(ArrayRef<int64_t> shape,
                               const Access &access) const {
  Strides result;
  result.perDim.assign(extents.size(), 0);
  auto dense = stridesOf(shape);
  for (auto [axis, index] : llvm::enumerate(access)) {
    if (index.dim >= 0 && index.divisor == 1)
      result.perDim[index.dim] += dense[axis];
    else if (index.dim >= 0)
      result.quotients.push_back(
          {unsigned(index.dim), index.before, index.divisor, dense[axis]});
    result.constant += dense[axis] * index.offset;
  }
  return result;
}

Access Expression::mapped(const IndexMap &map, const Access &access) const {
  Access result;
  for (auto [axis, source] : llvm::enumerate(map.source)) {
    AxisIndex index = source < 0 ? AxisIndex{} : access[source];
    int64_t divisor = map.divisor.empty() ? 1 : map.divisor[axis];
    if (divisor > 1 && index.dim < 0) {
      index.offset /= divisor;
    } else if (divisor > 1) {
      index.before += index.offset * index.divisor;
      index.divisor *= divisor;
      index.offset = 0;
    }
    index.offset += map.offset[axis];
    result.push_back(index);
  }
  return result;
}

std::optional<Copy> Expression::copy() {
  Value value = kernel.root;
  Access access = identity(shapeOf(value).size());
  while (!isMemory(value, value == kernel.root)) {
    auto *op = value.getDefiningOp();
    if (isSplatConstant(value) || !loweringOf(plan, op).indexMap)
      return std::nullopt;
    access = mapped(*loweringOf(plan, op).indexMap, access);
    value = op->getOperand(0);
  }
  auto strides = stridesFor(shapeOf(value), access);
  if (!strides.quotients.empty())
    return std::nullopt;
  bool source = value == kernel.root;
  return Copy{base(source ? *kernel.source : plan.places[value]), strides};
}

bool Expression::isMemory(Value value, bool isRoot) const {
  return (!isRoot && plan.places.contains(value)) ||
         (isRoot && kernel.source.has_value());
}

std::pair<Value, Access> Expression::view(Value value, Access access) {
  while (!plan.places.contains(value)) {
    auto &lowering = loweringOf(plan, value.getDefiningOp());
    if (!lowering.indexMap)
      llvm::report_fatal_error("phlox: an operand of a matmul has no memory");
    access = mapped(*lowering.indexMap, access);
    value = value.getDefiningOp()->getOperand(0);
  }
  return {value, access};
}

void Expression::collect(Value value, const Access &access, bool isRoot,
                         SmallVector<Strides> &found) {
  if (!memo.try_emplace({value.getAsOpaquePointer(), access}).second)
    return;
  if (isMemory(value, isRoot)) {
    found.push_back(stridesFor(shapeOf(value), access));
    return;
  }
  auto *op = value.getDefiningOp();
  if (isSplatConstant(value))
    return;
  auto &lowering = loweringOf(plan, op);
  if (lowering.indexBody) {
    found.push_back(stridesFor(shapeOf(value), access));
  } else if (lowering.indexMap) {
    collect(op->getOperand(0), mapped(*lowering.indexMap, access), false,
            found);
  } else {
    for (Value operand : op->getOperands())
      collect(operand, access, false, found);
  }
}

SmallVector<Group> Expression::groups(Value root, const Access &access,
                                      ArrayRef<const Strides *> others,
                                      ArrayRef<int> kinds) {
  SmallVector<Strides> found;
  collect(root, access, root == kernel.root, found);
  memo.clear();
  for (auto *other : others)
    found.push_back(*other);
  SmallVector<Group> result;
  for (unsigned dim = 0; dim < extents.size(); dim++) {
    if (extents[dim] == 1)
      continue;
    bool joins =
        !result.empty() && kinds[result.back().last] == kinds[dim] &&
        llvm::all_of(found, [&](const Strides &strides) {
          return strides.perDim[result.back().last] ==
                     strides.perDim[dim] * extents[dim] &&
                 llvm::none_of(strides.quotients, [&](auto &each) {
                   return each.dim == dim || each.dim == result.back().last;
                 });
        });
    if (!joins)
      result.emplace_back();
    result.back().dims.push_back(dim);
    result.back().extent *= extents[dim];
    result.back().last = dim;
  }
  return result;
}

void Expression::setIndex(const Group &group, Value index) {
  indices[group.last] = index;
  memo.clear();
}

void Expression::setVector(const Group *group, int64_t lanes) {
  vectorGroup = group;
  width = lanes;
  memo.clear();
}

void Expression::bind(Value value, const Access &access, Value vector) {
  memo[{value.getAsOpaquePointer(), access}] = vector;
}

Value Expression::linear(const Strides &strides) {
  Value index = k.i64(strides.constant);
  for (unsigned dim = 0; dim < extents.size(); dim++)
    if (indices[dim] && strides.perDim[dim])
      index = k.add(index, k.mul(indices[dim], strides.perDim[dim]));
  for (auto &each : strides.quotients) {
    Value at = indices[each.dim] ? indices[each.dim] : k.i64(0);
    Value quotient = mlir::arith::DivUIOp::create(k.b, k.add(at, each.before),
                                                  k.i64(each.divisor));
    index = k.add(index, k.mul(quotient, each.stride));
  }
  return index;
}

// a vector along a dimension that is read by its quotient: lane by lane
Value Expression::loadLanes(Value base, const Strides &strides,
                            mlir::Type element) {
  unsigned dim = vectorGroup->last;
  Value first = indices[dim];
  SmallVector<Value> lanes;
  for (int64_t lane = 0; lane < width; lane++) {
    indices[dim] = k.add(first, lane);
    lanes.push_back(k.loadScalar(base, linear(strides), element));
  }
  indices[dim] = first;
  return mlir::vector::FromElementsOp::create(
      k.b, mlir::VectorType::get({width}, element), lanes);
}

int64_t Expression::vectorStride(const Strides &strides) const {
  return vectorGroup ? strides.perDim[vectorGroup->last] : 0;
}

Value Expression::emit(Value value, const Access &access, bool isRoot) {
  auto key = std::make_pair(value.getAsOpaquePointer(), access);
  if (auto known = memo.find(key); known != memo.end())
    return known->second;
  return memo[key] = emitUncached(value, access, isRoot);
}

Value Expression::emitUncached(Value value, const Access &access, bool isRoot) {
  VectorBuilder vb(k.b, width);
  auto element = tensorType(value).getElementType();
  if (isSplatConstant(value)) {
    auto attr = mlir::cast<mlir::DenseElementsAttr>(
        value.getDefiningOp<ConstantOp>().getValue());
    auto type = mlir::VectorType::get({width}, element);
    return mlir::arith::ConstantOp::create(
        k.b, mlir::DenseElementsAttr::get(
                 type, attr.getSplatValue<mlir::Attribute>()));
  }
  if (isMemory(value, isRoot)) {
    auto &place = isRoot ? *kernel.source : plan.places[value];
    auto strides = stridesFor(shapeOf(value), access);
    if (vectorGroup && width > 1 &&
        llvm::any_of(strides.quotients,
                     [&](auto &q) { return q.dim == vectorGroup->last; }))
      return loadLanes(base(place), strides, element);
    return k.load(base(place), linear(strides), element, width,
                  vectorStride(strides));
  }
  auto *op = value.getDefiningOp();
  auto &lowering = loweringOf(plan, op);
  if (lowering.indexMap)
    return emit(op->getOperand(0), mapped(*lowering.indexMap, access));
  if (lowering.pointwiseBody) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(emit(operand, access));
    return lowering.pointwiseBody(vb, operands);
  }
  if (!lowering.indexBody)
    llvm::report_fatal_error(llvm::Twine("phlox: no element rule for ") +
                             op->getName().getStringRef());
  // the row-major index of each lane, in 32 bits
  auto strides = stridesFor(shapeOf(value), access);
  Value first =
      mlir::arith::TruncIOp::create(k.b, k.b.getI32Type(), linear(strides));
  SmallVector<int32_t> steps;
  for (int64_t lane = 0; lane < width; lane++)
    steps.push_back(lane * vectorStride(strides));
  auto type = mlir::VectorType::get({width}, k.b.getI32Type());
  Value index = vb.addi(
      vb.splat(first),
      mlir::arith::ConstantOp::create(
          k.b, mlir::DenseElementsAttr::get(type, ArrayRef<int32_t>(steps))));
  SmallVector<Value> scalars;
  for (Value operand : op->getOperands()) {
    auto operandType = tensorType(operand);
    for (int64_t i = 0; i < operandType.getNumElements(); i++)
      scalars.push_back(vb.splat(k.loadScalar(
          base(plan.places[operand]), k.i64(i), operandType.getElementType())));
  }
  return lowering.indexBody(vb, index, scalars);
}

} // namespace phlox::cpu
