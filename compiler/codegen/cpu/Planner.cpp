// Decides which values get memory and which are computed inside their
// consumers, forms kernels, and orders them.
#include "compiler/codegen/cpu/Planner.h"
#include "compiler/codegen/cpu/Affinity.h"
#include "compiler/codegen/cpu/Guards.h"
#include "compiler/interpreter/Evaluation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <algorithm>

namespace phlox::cpu {

int64_t elementBytes(mlir::Type element) {
  return element.isInteger(1) ? 1 : element.getIntOrFloatBitWidth() / 8;
}
int64_t tensorBytes(RankedTensorType type) {
  return type.getNumElements() * elementBytes(type.getElementType());
}

RegionPlanner::RegionPlanner(Plan &plan, const Target &target, Region &region)
    : plan(plan), target(target), region(region) {}

const Lowering &loweringOf(Plan &plan, mlir::Operation *op) {
  auto &entry = plan.lowerings[op];
  if (!entry) {
    entry = std::make_unique<Lowering>();
    mlir::cast<Rules>(op).lower(*entry);
  }
  return *entry;
}

bool isSplatConstant(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  return constant &&
         mlir::cast<mlir::DenseElementsAttr>(constant.getValue()).isSplat();
}

namespace {
bool isPlaced(const Plan &plan, Value value) {
  return plan.places.contains(value);
}

// what a chain of rearrangements shows
Value sourceOf(Plan &plan, Value value) {
  while (auto op = value.getDefiningOp()) {
    if (!loweringOf(plan, op).indexMap)
      break;
    value = op->getOperand(0);
  }
  return value;
}

// whether a chain of rearrangements reads by quotients of indices
bool hasQuotient(Plan &plan, Value value) {
  while (auto op = value.getDefiningOp()) {
    auto &map = loweringOf(plan, op).indexMap;
    if (!map)
      break;
    if (!map->divisor.empty())
      return true;
    value = op->getOperand(0);
  }
  return false;
}
} // namespace

// Whether a chain of element-wise ops, each read once, leads to a product,
// which computes them while it has the numbers at hand.
static bool followsProduct(Value value) {
  auto *op = value.getDefiningOp();
  if (!op || !value.hasOneUse())
    return false;
  return mlir::isa<MatmulOp>(op) ||
         (op->hasTrait<Pointwise>() &&
          llvm::any_of(op->getOperands(), followsProduct));
}

// Whether element-wise ops compute `value` from another product too.
static bool meetsProduct(Value value, mlir::Operation *known) {
  SmallVector<Value> work{value};
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    Value reached = work.pop_back_val();
    auto *op = reached.getDefiningOp();
    if (!op || op == known || !seen.insert(reached).second)
      continue;
    if (mlir::isa<MatmulOp>(op))
      return true;
    if (op->hasTrait<Pointwise>())
      llvm::append_range(work, op->getOperands());
  }
  return false;
}

bool RegionPlanner::isCheaperTwice(mlir::Operation *op) {
  if (!mlir::isa<AddOp, SubOp, MulOp, NegOp, SquareOp, MinOp, MaxOp, CompareOp,
                 SelectOp>(op))
    return false;
  auto &entry = use(op->getResult(0));
  int64_t elements = tensorType(op->getResult(0)).getNumElements();
  size_t readers = entry.roots.size(), read = 0;
  for (Value operand : op->getOperands()) {
    if (followsProduct(operand))
      return false;
    Value source = sourceOf(plan, operand);
    read += !isSplatConstant(source) &&
            tensorType(source).getNumElements() == elements;
  }
  return readers * read < read + 1 + readers;
}

RegionPlanner::Use &RegionPlanner::use(Value value) { return uses[value]; }

void RegionPlanner::readBy(Value value, Value root, bool plain) {
  auto &entry = use(value);
  entry.roots.insert(root);
  entry.plain &= plain;
}

void RegionPlanner::materialise(Value value) { use(value).must = true; }

void RegionPlanner::classifyOperands(mlir::Operation *op, Value root,
                                     bool plain) {
  auto &lowering = loweringOf(plan, op);
  for (Value operand : op->getOperands()) {
    readBy(operand, root, plain && lowering.pointwiseBody);
    if (lowering.indexBody)
      materialise(operand);
    // an expansion computes its operand once, not once per copy
    if (lowering.indexMap && op->getNumResults() == 1 &&
        tensorType(op->getResult(0)).getNumElements() >
            tensorType(operand).getNumElements())
      use(operand).view = true;
  }
}

void RegionPlanner::classify(mlir::Operation *op) {
  auto &lowering = loweringOf(plan, op);
  if (auto scan = mlir::dyn_cast<ScanOp>(op)) {
    for (Value operand : op->getOperands())
      materialise(operand);
    return;
  }
  Value result = op->getResult(0);
  auto &entry = use(result);
  if (lowering.isAlias) {
    if (entry.roots.empty() && !entry.must && !entry.view)
      return;
    materialise(op->getOperand(0));
    aliases.push_back(op);
    return;
  }
  if (lowering.own || mlir::isa<ConcatOp>(op)) {
    for (Value operand : op->getOperands())
      materialise(operand);
    roots.push_back(result);
    return;
  }
  if (mlir::isa<ReduceOp>(op)) {
    readBy(op->getOperand(0), result, false);
    roots.push_back(result);
    return;
  }
  if (auto matmul = mlir::dyn_cast<MatmulOp>(op)) {
    use(matmul.getLhs()).view = true;
    readBy(matmul.getLhs(), result, false);
    readBy(matmul.getRhs(), result, false);
    int64_t columns = shapeOf(result).back();
    if (columns == 1 || readsRhsAsItIs(plan, target, matmul, {}))
      use(matmul.getRhs()).view = true;
    else
      materialise(matmul.getRhs());
    // a product reads memory: one number for all elements needs some here
    for (Value operand : {matmul.getLhs(), matmul.getRhs()}) {
      if (Value source = sourceOf(plan, operand); isSplatConstant(source))
        materialise(source);
      // nor does it divide indices
      if (hasQuotient(plan, operand))
        materialise(operand);
    }
    // a matmul joins the kernel of its element-wise consumers as its start
    if (!entry.must && !entry.view && entry.plain && entry.roots.size() == 1) {
      Value root = entry.roots.front();
      // a column waits for no other one, or the rows that it is made from
      // would lie in memory until then
      bool waits = columns == 1 && meetsProduct(root, op);
      if (root != result && shapeOf(root) == shapeOf(result) && !waits &&
          !anchors.count(root) && inlineRoots.contains(root)) {
        anchors[root] = op;
        return;
      }
    }
    roots.push_back(result);
    return;
  }
  if (isSplatConstant(result) && !entry.must)
    return; // an immediate operand wherever it is read
  if (mlir::isa<ConstantOp>(op) && !isSplatConstant(result)) {
    auto elements = mlir::cast<mlir::DenseElementsAttr>(
        mlir::cast<ConstantOp>(op).getValue());
    auto buffer = newBuffer(Storage::Constant, tensorBytes(tensorType(result)));
    buffer->number = plan.constants.size();
    plan.constants.push_back(elements);
    plan.places[result] = {buffer, 0, {}};
    return;
  }
  // element-wise, generated or rearranged
  if (entry.roots.empty() && !entry.must)
    return; // dead
  bool compute = !lowering.indexMap;
  bool own = entry.must ||
             (compute &&
              (entry.view || (entry.roots.size() != 1 && !isCheaperTwice(op))));
  if (own) {
    roots.push_back(result);
    inlineRoots.insert(result);
    classifyOperands(op, result, true);
    return;
  }
  for (Value root : entry.roots) {
    bool plain = entry.plain;
    classifyOperands(op, root, plain);
  }
  if (lowering.indexMap && entry.view)
    use(op->getOperand(0)).view = true;
}

Buffer *RegionPlanner::newBuffer(Storage storage, int64_t bytes) {
  plan.buffers.push_back(std::make_unique<Buffer>());
  auto *buffer = plan.buffers.back().get();
  buffer->storage = storage;
  buffer->bytes = bytes;
  buffer->owner = &region;
  return buffer;
}

Kernel &RegionPlanner::newKernel(Kernel::Kind kind, Value root) {
  region.kernels.push_back(std::make_unique<Kernel>());
  auto &kernel = *region.kernels.back();
  kernel.kind = kind;
  kernel.root = root;
  return kernel;
}

// collects the placed values that `value` is computed from inside a kernel
void RegionPlanner::collectReads(Kernel &kernel, Value value, bool isRoot) {
  if (!isRoot && isPlaced(plan, value)) {
    kernel.reads.insert(value);
    return;
  }
  auto *op = value.getDefiningOp();
  if (!op || isSplatConstant(value))
    return;
  for (Value operand : op->getOperands())
    if (kernelValues.insert({&kernel, operand}).second ||
        isPlaced(plan, operand))
      collectReads(kernel, operand, false);
}

void RegionPlanner::guard(Kernel &kernel, Value condition) {
  if (!condition)
    return;
  kernel.guard = condition;
  kernel.reads.insert(condition);
}

void RegionPlanner::formKernel(Value root) {
  auto *op = root.getDefiningOp();
  auto shape = shapeOf(root);
  if (auto concat = mlir::dyn_cast<ConcatOp>(op)) {
    int64_t axis = concat.getAxis(), start = 0;
    auto strides = stridesOf(shape);
    for (Value part : concat.getOperands()) {
      auto &kernel = newKernel(Kernel::Elementwise, part);
      kernel.target = plan.places[root];
      kernel.target.offset += start * strides[axis] *
                              elementBytes(tensorType(root).getElementType());
      kernel.targetStrides = strides;
      kernel.reads.insert(part);
      kernel.source = plan.places[part];
      guard(kernel, guards.lookup(root));
      writers[root].push_back(region.kernels.size() - 1);
      start += shapeOf(part)[axis];
    }
    return;
  }
  auto anchor = anchors.find(root);
  auto kind = anchor != anchors.end() || mlir::isa<MatmulOp>(op)
                  ? Kernel::Matmul
              : mlir::isa<ReduceOp>(op)  ? Kernel::Reduce
              : loweringOf(plan, op).own ? Kernel::Own
                                         : Kernel::Elementwise;
  auto &kernel = newKernel(kind, root);
  kernel.anchor = anchor != anchors.end() ? anchor->second : op;
  kernel.target = plan.places[root];
  kernel.targetStrides = stridesOf(shape);
  collectReads(kernel, root, true);
  guard(kernel, guards.lookup(root));
  writers[root].push_back(region.kernels.size() - 1);
}

void RegionPlanner::formScan(ScanOp scan) {
  auto &kernel = newKernel(Kernel::Scan, Value());
  kernel.anchor = scan;
  unsigned self = region.kernels.size() - 1;
  kernel.body = std::make_unique<Region>();
  auto &body = *kernel.body;
  body.block = &scan.getBody().front();
  body.depth = region.depth + 1;
  body.length = scan.getLength();
  body.reverse = scan.getReverse();
  auto arguments = body.block->getArguments();
  auto yields = body.block->getTerminator()->getOperands();
  unsigned carries = scan.getInits().size(), xs = scan.getXs().size();
  std::vector<Writeback> writebacks;
  auto slice = [&](Value stacked, RankedTensorType part) {
    Place place = plan.places[stacked];
    place.loopStrides.resize(body.depth, 0);
    place.loopStrides[body.depth - 1] = tensorBytes(part);
    return place;
  };
  for (unsigned i = 0; i < carries; i++) {
    // the carry lives where its last value is wanted: the init moves in first
    Value result = scan.getCarries()[i];
    auto &copy = newKernel(Kernel::Elementwise, scan.getInits()[i]);
    copy.target = plan.places[result];
    copy.targetStrides = stridesOf(shapeOf(result));
    copy.reads.insert(scan.getInits()[i]);
    copy.source = plan.places[scan.getInits()[i]];
    unsigned index = region.kernels.size() - 1;
    region.kernels[self]->after.push_back(index);
    Place place = plan.places[result];
    place.loopStrides.resize(body.depth, 0);
    plan.places[arguments[i]] = place;
    writebacks.push_back({yields[i], arguments[i], place});
  }
  for (unsigned i = 0; i < xs; i++)
    plan.places[arguments[carries + i]] =
        slice(scan.getXs()[i], tensorType(arguments[carries + i]));
  for (unsigned i = 0; i < scan.getConstants().size(); i++) {
    Place place = plan.places[scan.getConstants()[i]];
    place.loopStrides.resize(body.depth, 0);
    plan.places[arguments[carries + xs + i]] = place;
  }
  for (unsigned i = 0; i < scan.getYs().size(); i++)
    writebacks.push_back(
        {yields[carries + i], Value(),
         slice(scan.getYs()[i], tensorType(yields[carries + i]))});
  auto &planned = *region.kernels[self];
  for (Value operand : scan->getOperands())
    planned.reads.insert(operand);
  // skipped only if no result is needed, all under one condition
  Value condition = guards.lookup(scan->getResult(0));
  if (llvm::all_of(scan->getResults(), [&](Value result) {
        return result.use_empty() || guards.lookup(result) == condition;
      }))
    guard(planned, condition);
  for (Value result : scan->getResults())
    writers[result].push_back(self);
  RegionPlanner(plan, target, body).run(writebacks);
  for (auto &inner : body.kernels)
    planned.cost += inner->cost * body.length;
}

void RegionPlanner::run(std::vector<Writeback> writebacks) {
  if (region.depth == 0)
    guards = findGuards(*region.block);
  for (auto &[value, condition] : guards)
    materialise(condition);
  for (auto &writeback : writebacks)
    materialise(writeback.value);
  for (auto &op : llvm::reverse(*region.block))
    if (!op.hasTrait<mlir::OpTrait::IsTerminator>())
      classify(&op);

  // a view whose source got memory after all, in another order, needs its own
  llvm::DenseSet<Value> isRoot(roots.begin(), roots.end());
  for (auto matmul : region.block->getOps<MatmulOp>()) {
    Value rhs = matmul.getRhs();
    if (shapeOf(matmul.getResult()).back() > 1 &&
        !readsRhsAsItIs(plan, target, matmul, isRoot) &&
        isRoot.insert(rhs).second) {
      roots.push_back(rhs);
      inlineRoots.insert(rhs);
    }
  }

  // scratch for everything that has memory of its own
  for (Value root : roots)
    plan.places[root] = {
        newBuffer(Storage::Scratch, tensorBytes(tensorType(root))), 0, {}};
  region.block->walk<mlir::WalkOrder::PreOrder>([&](mlir::Operation *op) {
    if (op->getBlock() != region.block)
      return mlir::WalkResult::skip();
    if (mlir::isa<ScanOp>(op))
      for (Value result : op->getResults())
        plan.places[result] = {
            newBuffer(Storage::Scratch, tensorBytes(tensorType(result))),
            0,
            {}};
    return mlir::WalkResult::advance();
  });
  for (auto *op : llvm::reverse(aliases))
    plan.places[op->getResult(0)] = plan.places[op->getOperand(0)];

  for (auto &op : *region.block) {
    if (auto scan = mlir::dyn_cast<ScanOp>(op))
      formScan(scan);
    else if (op.getNumResults() == 1 && isRoot.contains(op.getResult(0)))
      formKernel(op.getResult(0));
  }
  packProducts();
  schedule(writebacks);
}

std::unique_ptr<Plan> makePlan(mlir::Operation *operation,
                               const LeafOffsets &leaves,
                               const Target &target) {
  auto function = mlir::cast<mlir::func::FuncOp>(operation);
  auto plan = std::make_unique<Plan>();
  plan->function = operation;
  plan->region = std::make_unique<Region>();
  plan->region->block = &function.getBody().front();
  auto buffer = [&](Storage storage, int64_t position, mlir::Type type) {
    plan->buffers.push_back(std::make_unique<Buffer>());
    auto *made = plan->buffers.back().get();
    made->storage = storage;
    made->number = position;
    made->bytes = tensorBytes(mlir::cast<RankedTensorType>(type));
    return made;
  };
  llvm::StringMap<std::pair<Buffer *, Value>> leafArguments;
  int64_t inputs = 0;
  for (auto argument : function.getArguments()) {
    auto leaf = function.getArgAttrOfType<mlir::StringAttr>(
        argument.getArgNumber(), kLeafAttr);
    Buffer *made;
    if (leaf) {
      made = buffer(Storage::Leaf, 0, argument.getType());
      made->offset = leaves.lookup(leaf.getValue());
      leafArguments[leaf.getValue()] = {made, argument};
    } else {
      made = buffer(Storage::Input, inputs++, argument.getType());
    }
    plan->places[argument] = {made, 0, {}};
  }
  std::vector<Writeback> writebacks;
  auto *terminator = plan->region->block->getTerminator();
  int64_t outputs = 0;
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    auto leaf = function.getResultAttrOfType<mlir::StringAttr>(i, kLeafAttr);
    if (!leaf) {
      auto *made = buffer(Storage::Output, outputs++, value.getType());
      writebacks.push_back({value, Value(), {made, 0, {}}});
      continue;
    }
    plan->writesState = true;
    auto [made, argument] = leafArguments.lookup(leaf.getValue());
    if (!made) {
      made = buffer(Storage::Leaf, 0, value.getType());
      made->offset = leaves.lookup(leaf.getValue());
    }
    writebacks.push_back({value, argument, {made, 0, {}}});
  }
  RegionPlanner(*plan, target, *plan->region).run(writebacks);
  orderForCaches(*plan);
  assignTimes(*plan);
  allocateScratch(*plan);
  return plan;
}

} // namespace phlox::cpu
