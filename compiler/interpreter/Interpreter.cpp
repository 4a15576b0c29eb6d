#include "compiler/interpreter/Interpreter.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/DenseMap.h"

namespace phlox {
namespace {

// Where the values of one block lie, and which of them die at each op.
struct Frame {
  struct Step {
    mlir::Operation *op;
    SmallVector<unsigned> operands, results, dying;
  };
  explicit Frame(mlir::Block &block);

  std::vector<Step> steps; // the last one is the terminator
  unsigned slots = 0;
};

Frame::Frame(mlir::Block &block) {
  llvm::DenseMap<Value, unsigned> slotOf;
  auto define = [&](Value value) { return slotOf[value] = slots++; };
  for (Value argument : block.getArguments())
    define(argument);
  for (mlir::Operation &op : block) {
    Step step{&op, {}, {}, {}};
    for (Value operand : op.getOperands())
      step.operands.push_back(slotOf.lookup(operand));
    for (Value result : op.getResults())
      step.results.push_back(define(result));
    steps.push_back(std::move(step));
  }
  // backward, the first use that is met is the last one
  std::vector<bool> used(slots);
  for (Step &step : llvm::reverse(steps)) {
    for (unsigned slot : step.results)
      if (!used[slot])
        step.dying.push_back(slot);
    for (unsigned slot : step.operands)
      if (!used[slot]) {
        used[slot] = true;
        step.dying.push_back(slot);
      }
  }
}

class Interpreter {
public:
  std::vector<HostTensor> run(mlir::Block &block,
                              std::vector<HostTensor> arguments);

private:
  llvm::DenseMap<mlir::Block *, std::unique_ptr<Frame>> frames;
};

std::vector<HostTensor> Interpreter::run(mlir::Block &block,
                                         std::vector<HostTensor> arguments) {
  std::unique_ptr<Frame> &entry = frames[&block];
  if (!entry)
    entry = std::make_unique<Frame>(block);
  const Frame &frame = *entry; // a body may add frames, which moves `entry`
  std::vector<HostTensor> values(frame.slots);
  std::move(arguments.begin(), arguments.end(), values.begin());
  for (const Frame::Step &step : frame.steps) {
    SmallVector<const HostTensor *> operands;
    for (unsigned slot : step.operands)
      operands.push_back(&values[slot]);
    if (step.op == &block.back()) {
      std::vector<HostTensor> results;
      for (const HostTensor *operand : operands)
        results.push_back(*operand);
      return results;
    }
    Evaluation evaluation(
        step.op, operands,
        [this](mlir::Block &body, std::vector<HostTensor> inputs) {
          return run(body, std::move(inputs));
        });
    mlir::cast<Rules>(step.op).eval(evaluation);
    for (auto [slot, result] :
         llvm::zip(step.results, evaluation.takeResults()))
      values[slot] = std::move(result);
    for (unsigned slot : step.dying)
      values[slot] = HostTensor();
  }
  return {};
}

llvm::Error error(const llvm::Twine &text) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
}

// what the verifier says of a function, empty if nothing
std::string complaintsOf(mlir::func::FuncOp function) {
  std::string text;
  mlir::ScopedDiagnosticHandler handler(function.getContext(),
                                        [&](mlir::Diagnostic &diagnostic) {
                                          if (text.empty())
                                            text = diagnostic.str();
                                          return mlir::success();
                                        });
  if (failed(mlir::verify(function)) && text.empty())
    text = "the function does not verify";
  return text;
}

} // namespace

llvm::Expected<std::vector<HostTensor>>
interpret(mlir::func::FuncOp function, std::vector<HostTensor> arguments) {
  if (std::string text = complaintsOf(function); !text.empty())
    return error(text);
  std::string name = "function '" + function.getName().str() + "'";
  if (!function.getBody().hasOneBlock())
    return error(name + " must have one block: got " +
                 llvm::Twine(function.getBody().getBlocks().size()));
  mlir::Block &block = function.getBody().front();
  if (arguments.size() != block.getNumArguments())
    return error(name + " must get " + llvm::Twine(block.getNumArguments()) +
                 " arguments: got " + llvm::Twine(arguments.size()));
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    std::string wanted, got;
    llvm::raw_string_ostream(wanted) << block.getArgument(i).getType();
    llvm::raw_string_ostream(got) << argument.type;
    if (wanted != got)
      return error(name + " must get " + wanted + " as argument " +
                   llvm::Twine(i) + ": got " + got);
    size_t elements = argument.reals.size() + argument.counts.size();
    if (elements != size_t(argument.size()))
      return error(name + " must get " + llvm::Twine(argument.size()) +
                   " elements as argument " + llvm::Twine(i) + ": got " +
                   llvm::Twine(elements));
  }
  mlir::Operation *foreign = nullptr;
  function.getBody().walk([&](mlir::Operation *op) {
    if (!mlir::isa<Rules>(op) && !op->hasTrait<mlir::OpTrait::IsTerminator>())
      foreign = op;
  });
  if (foreign)
    return error(name + " must hold phlox ops alone: got " +
                 foreign->getName().getStringRef());
  return Interpreter().run(block, std::move(arguments));
}

} // namespace phlox
