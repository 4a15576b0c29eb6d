// Rules of scan: its derivatives are scans too.
#include "compiler/autodiff/Autodiff.h"
#include "compiler/autodiff/ScanDraft.h"
#include "compiler/ops/Rules.h"

namespace phlox {
namespace {

bool isReal(Value value) { return tensorType(value).getElementType().isF32(); }

// which block arguments and yields move when the given operands do
struct Activity {
  Activity(ScanOp scan, ArrayRef<bool> moves);
  SmallVector<bool> arguments, yields;
};

Activity::Activity(ScanOp scan, ArrayRef<bool> moves) : arguments(moves) {
  mlir::Block &body = scan.getBody().front();
  SmallVector<Value> outputs(body.getTerminator()->getOperands());
  for (auto [i, argument] : llvm::enumerate(body.getArguments()))
    arguments[i] = arguments[i] && isReal(argument);
  // a carry moves from the first iteration that moves it
  for (bool changed = true; changed;) {
    SmallVector<Value> inputs;
    for (auto [argument, moving] : llvm::zip(body.getArguments(), arguments))
      if (moving)
        inputs.push_back(argument);
    Path path(inputs, outputs);
    yields.clear();
    for (Value output : outputs)
      yields.push_back(path.reaches(output));
    changed = false;
    for (size_t i = 0; i < scan.getInits().size(); ++i)
      if (yields[i] && !arguments[i])
        arguments[i] = changed = true;
  }
}

// which yields matter when the given results do, through later iterations too
SmallVector<bool> liveYields(ScanOp scan, ArrayRef<bool> results) {
  mlir::Block &body = scan.getBody().front();
  mlir::ValueRange outputs = body.getTerminator()->getOperands();
  SmallVector<bool> live(results);
  for (bool changed = true; changed;) {
    changed = false;
    SmallVector<Value> wanted;
    for (auto [output, flag] : llvm::zip(outputs, live))
      if (flag)
        wanted.push_back(output);
    for (size_t i = 0; i < scan.getInits().size(); ++i) {
      Value argument = body.getArgument(i);
      if (live[i] || !isReal(argument))
        continue;
      bool reaches = llvm::is_contained(wanted, argument) ||
                     !Path({argument}, wanted).ops.empty();
      live[i] = reaches;
      changed |= reaches;
    }
  }
  return live;
}

// adds a scan's operands to a draft; returns the block arguments in order
SmallVector<Value> addOperands(ScanDraft &draft, ScanOp scan) {
  SmallVector<Value> arguments;
  for (Value init : scan.getInits())
    arguments.push_back(draft.addCarry(init));
  for (Value x : scan.getXs())
    arguments.push_back(draft.addX(x));
  for (Value constant : scan.getConstants())
    arguments.push_back(draft.addConstant(constant));
  return arguments;
}

Value orZeros(Graph &g, Value value, Value like) {
  return value ? value : g.zeros(tensorType(like));
}

SmallVector<bool> areSet(ArrayRef<Value> values) {
  SmallVector<bool> flags;
  for (Value value : values)
    flags.push_back(bool(value));
  return flags;
}

// A backward pass: cotangents of the carries and of the constants are carries,
// cotangents of xs are ys; the body runs once more to be differentiated.
class Backward {
public:
  Backward(ScanOp scan, Graph &outside, ArrayRef<Value> cotangents,
           ArrayRef<bool> needed)
      : scan(scan), outside(outside), cotangents(cotangents), needed(needed),
        activity(scan, needed), live(liveYields(scan, areSet(cotangents))),
        draft(outside, scan.getLoc(), scan.getLength(), !scan.getReverse()),
        carries(scan.getInits().size()), xs(scan.getXs().size()) {}

  SmallVector<Value> run();

private:
  bool flows(size_t carry) const {
    return activity.arguments[carry] && live[carry];
  }
  void addArguments();
  void differentiate();
  void stackCarries();

  ScanOp scan;
  Graph &outside;
  ArrayRef<Value> cotangents;
  ArrayRef<bool> needed;
  Activity activity;
  SmallVector<bool> live;
  ScanDraft draft;
  const size_t carries, xs;
  SmallVector<Value> arguments;               // of the body that runs once more
  SmallVector<Value> arriving;                // by yield, null where none
  SmallVector<size_t> leavingXs, leavingSums; // operands, in emitted order
};

void Backward::addArguments() {
  mlir::Block &body = scan.getBody().front();
  arriving.resize(cotangents.size());
  for (size_t i = 0; i < carries; ++i)
    if (flows(i))
      arriving[i] =
          draft.addCarry(orZeros(outside, cotangents[i], scan.getInits()[i]));
  for (Value argument : body.getArguments().take_front(carries)) {
    SmallVector<int64_t> shape{int64_t(scan.getLength())};
    llvm::append_range(shape, shapeOf(argument));
    arguments.push_back(draft.addX(Value(), reshaped(argument, shape)));
  }
  for (Value x : scan.getXs())
    arguments.push_back(draft.addX(x));
  for (size_t i = carries; i < cotangents.size(); ++i)
    if (cotangents[i] && activity.yields[i])
      arriving[i] = draft.addX(cotangents[i]);
  for (Value constant : scan.getConstants())
    arguments.push_back(draft.addConstant(constant));
}

void Backward::differentiate() {
  Graph &g = draft.inside;
  SmallVector<Value> outputs = draft.copyBody(scan, arguments), wrt;
  for (auto [argument, moves] : llvm::zip(arguments, activity.arguments))
    if (moves)
      wrt.push_back(argument);
  SmallVector<Value> leaving = vjp(g, outputs, arriving, wrt);
  SmallVector<Value> nexts, nextSums, ys;
  size_t next = 0;
  for (auto [i, moves] : llvm::enumerate(activity.arguments)) {
    Value cotangent = moves ? leaving[next++] : Value();
    if (i < carries && flows(i)) {
      nexts.push_back(orZeros(g, cotangent, arguments[i]));
    } else if (i >= carries + xs && cotangent) {
      Value sum = draft.addCarry(outside.zeros(tensorType(cotangent)));
      nextSums.push_back(g.add(sum, cotangent));
      leavingSums.push_back(i);
    } else if (i >= carries && cotangent) {
      ys.push_back(cotangent);
      leavingXs.push_back(i);
    }
  }
  llvm::append_range(nexts, nextSums);
  draft.close(nexts, SmallVector<bool>(nexts.size(), true), ys);
}

// a forward pass that keeps the carries that the backward pass reads
void Backward::stackCarries() {
  SmallVector<Value> read;
  for (Value argument : ArrayRef<Value>(arguments).take_front(carries))
    if (draft.uses(argument))
      read.push_back(argument);
  if (read.empty())
    return;
  ScanDraft forward(outside, scan.getLoc(), scan.getLength(),
                    scan.getReverse());
  SmallVector<Value> own = addOperands(forward, scan), kept;
  SmallVector<Value> nexts = forward.copyBody(scan, own);
  nexts.truncate(carries);
  for (size_t i = 0; i < carries; ++i)
    if (draft.uses(arguments[i]))
      kept.push_back(own[i]);
  forward.close(nexts, SmallVector<bool>(carries, false), kept);
  ScanDraft::Results stacked = forward.emit(outside);
  for (auto [argument, y] : llvm::zip(read, stacked.ys))
    draft.setX(argument, y);
}

SmallVector<Value> Backward::run() {
  SmallVector<Value> results(needed.size());
  addArguments();
  if (llvm::none_of(arriving, [](Value value) { return bool(value); }))
    return results;
  differentiate();
  stackCarries();
  ScanDraft::Results emitted = draft.emit(outside);
  size_t nextCarry = 0, nextY = 0;
  for (size_t i = 0; i < carries; ++i)
    if (flows(i))
      results[i] = emitted.carries[nextCarry++];
  for (size_t i : leavingXs)
    results[i] = emitted.ys[nextY++];
  for (size_t i : leavingSums)
    results[i] = emitted.carries[nextCarry++];
  return results;
}

} // namespace

llvm::LogicalResult ScanOp::verifyRegions() {
  int64_t length = getLength();
  if (length < 1)
    return emitOpError("[scan_c1] length must be at least 1: got ") << length;
  for (Value x : getXs())
    if (shapeOf(x).empty() || shapeOf(x).front() != length)
      return emitOpError("[scan_c2] xs must have the leading extent ")
             << length << ": got " << formatShape(shapeOf(x));
  SmallVector<mlir::Type> expected(getInits().getTypes());
  for (Value x : getXs())
    expected.push_back(reshaped(x, shapeOf(x).drop_front()));
  llvm::append_range(expected, getConstants().getTypes());
  mlir::Block &body = getBody().front();
  SmallVector<mlir::Type> types(body.getArgumentTypes());
  if (types != expected)
    return emitOpError("[scan_c3] the body must take ")
           << expected << ": got " << types;
  if (!mlir::isa<YieldOp>(body.back()))
    return emitOpError("[scan_c3] the body must end in phlox.yield: got ")
           << body.back().getName();
  if (getInits().getTypes() != getCarries().getTypes())
    return emitOpError("[scan_c3] carries must have the types of inits, ")
           << SmallVector<mlir::Type>(getInits().getTypes()) << ": got "
           << SmallVector<mlir::Type>(getCarries().getTypes());
  auto draws = body.walk([](mlir::Operation *op) {
    return op->hasTrait<Random>() ? mlir::WalkResult::interrupt()
                                  : mlir::WalkResult::advance();
  });
  if (draws.wasInterrupted())
    return emitOpError("[scan_c4] the body must draw no noise: draw outside, "
                       "and scan over it");
  return mlir::success();
}

void ScanOp::eval(Evaluation &evaluation) {
  size_t carries = getInits().size(), xs = getXs().size();
  int64_t length = getLength();
  mlir::Block &body = getBody().front();
  std::vector<HostTensor> carried;
  for (size_t i = 0; i < carries; ++i)
    carried.push_back(evaluation.operand(i));
  for (int64_t step = 0; step < length; ++step) {
    int64_t i = getReverse() ? length - 1 - step : step;
    std::vector<HostTensor> arguments = std::move(carried);
    for (size_t x = 0; x < xs; ++x) {
      HostTensor row(tensorType(body.getArgument(carries + x)));
      copyElements(evaluation.operand(carries + x), i * row.size(), row, 0,
                   row.size());
      arguments.push_back(std::move(row));
    }
    for (size_t c = carries + xs; c < (*this)->getNumOperands(); ++c)
      arguments.push_back(evaluation.operand(c));
    carried = evaluation.runBlock(body, std::move(arguments));
    for (size_t y = 0; y < getYs().size(); ++y) {
      const HostTensor &row = carried[carries + y];
      copyElements(row, 0, evaluation.result(carries + y), i * row.size(),
                   row.size());
    }
    carried.resize(carries);
  }
  for (size_t i = 0; i < carries; ++i)
    evaluation.result(i) = std::move(carried[i]);
}

SmallVector<Value> ScanOp::jvp(Graph &g, ArrayRef<Value> tangents) {
  size_t carries = getInits().size(), xs = getXs().size();
  SmallVector<Value> results((*this)->getNumResults());
  Activity activity(*this, areSet(tangents));
  ScanDraft draft(g, getLoc(), getLength(), getReverse());
  SmallVector<Value> arguments = addOperands(draft, *this), inputs, moving;
  for (auto [i, moves] : llvm::enumerate(activity.arguments)) {
    if (!moves)
      continue;
    inputs.push_back(arguments[i]);
    if (i < carries)
      moving.push_back(draft.addCarry(orZeros(g, tangents[i], getInits()[i])));
    else if (i < carries + xs)
      moving.push_back(draft.addX(tangents[i]));
    else
      moving.push_back(draft.addConstant(tangents[i]));
  }
  SmallVector<Value> nexts = draft.copyBody(*this, arguments), ys;
  SmallVector<Value> leaving = phlox::jvp(draft.inside, nexts, inputs, moving);
  SmallVector<bool> wanted(carries, false);
  SmallVector<Value> outputs = std::move(nexts);
  nexts.assign(outputs.begin(), outputs.begin() + carries);
  for (auto [i, output] : llvm::enumerate(outputs)) {
    bool moves = i < carries ? activity.arguments[i] : activity.yields[i];
    if (!moves)
      continue;
    Value tangent = orZeros(draft.inside, leaving[i], output);
    (i < carries ? nexts : ys).push_back(tangent);
  }
  wanted.resize(nexts.size(), true);
  draft.close(nexts, wanted, ys);
  ScanDraft::Results emitted = draft.emit(g);
  size_t nextCarry = carries, nextY = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    if (i < carries && activity.arguments[i])
      results[i] = emitted.carries[nextCarry++];
    else if (i >= carries && activity.yields[i])
      results[i] = emitted.ys[nextY++];
  }
  return results;
}

SmallVector<Value> ScanOp::vjp(Graph &g, ArrayRef<Value> cotangents,
                               ArrayRef<bool> needed) {
  return Backward(*this, g, cotangents, needed).run();
}

// every carry counts as mapped; xs and ys keep their steps in front
SmallVector<Value> ScanOp::batch(Batch &batch, ArrayRef<Value> operands) {
  size_t carries = getInits().size(), xs = getXs().size();
  ScanDraft draft(batch, getLoc(), getLength(), getReverse());
  SmallVector<Value> arguments;
  for (auto [i, given] : llvm::enumerate(operands)) {
    Value own = (*this)->getOperand(i);
    if (i < carries)
      arguments.push_back(draft.addCarry(batch.spread(given, own)));
    else if (i >= carries + xs)
      arguments.push_back(draft.addConstant(given));
    else
      arguments.push_back(draft.addX(
          Batch::isMapped(given, own) ? batch.transposeFirst(given) : given));
  }
  Batch inside(draft.inside, getLoc(), batch.size);
  mlir::Block &body = getBody().front();
  mlir::ValueRange outputs = body.getTerminator()->getOperands();
  SmallVector<Value> nexts = mapBlock(inside, body, arguments, outputs);
  if (inside.refused)
    return batch.refuse(inside.refused);
  for (auto [next, output] : llvm::zip(nexts, outputs))
    next = inside.spread(next, output);
  SmallVector<Value> ys(llvm::drop_begin(nexts, carries));
  nexts.truncate(carries);
  draft.close(nexts, SmallVector<bool>(carries, true), ys);
  ScanDraft::Results emitted = draft.emit(batch);
  SmallVector<Value> results = std::move(emitted.carries);
  for (Value y : emitted.ys)
    results.push_back(batch.transposeFirst(y));
  return results;
}

void ScanOp::lower(Lowering &lowering) { lowering.structured(); }

} // namespace phlox
