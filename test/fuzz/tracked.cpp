#include "test/fuzz/tracked.h"
#include "test/fuzz/rounding.h"
#include <map>

namespace phlox::fuzz {
namespace {

class Lockstep {
public:
  Lockstep(uint64_t seed, double factors) : noise(seed), factors(factors) {}

  std::vector<Tracked> run(mlir::Block &block, std::vector<Tracked> arguments) {
    llvm::DenseMap<Value, Tracked> values;
    for (auto [argument, value] :
         llvm::zip_equal(block.getArguments(), arguments))
      values[argument] = std::move(value);
    for (mlir::Operation &op : block) {
      SmallVector<const Tracked *> operands;
      for (Value operand : op.getOperands())
        operands.push_back(&values.find(operand)->second);
      if (op.hasTrait<mlir::OpTrait::IsTerminator>()) {
        std::vector<Tracked> results;
        for (const Tracked *operand : operands)
          results.push_back(*operand);
        return results;
      }
      auto scan = mlir::dyn_cast<ScanOp>(op);
      std::vector<Tracked> results =
          scan ? loop(scan, operands) : step(&op, operands);
      for (auto [value, result] : llvm::zip(op.getResults(), results))
        values[value] = std::move(result);
    }
    return {};
  }

private:
  std::vector<Tracked> step(mlir::Operation *op,
                            ArrayRef<const Tracked *> operands) {
    auto pointers = [&](int m) {
      SmallVector<const HostTensor *> tensors;
      for (const Tracked *operand : operands)
        tensors.push_back(&operand->at(m));
      return tensors;
    };
    SmallVector<const HostTensor *> exact = pointers(-1);
    std::vector<Tracked> results(1);
    Tracked &result = results.front();
    result.exact = std::move(evaluate(op, exact).front());
    Rounding rounding = roundingOf(op, factors);
    if (rounding.isExact() &&
        llvm::all_of(operands, [](auto *x) { return x->isExact(); }))
      return results;
    for (int m = 0; m < kSamples; m++) {
      SmallVector<const HostTensor *> tensors = pointers(m);
      std::vector<HostTensor> copies;
      copies.reserve(tensors.size());
      if (rounding.operand != 0)
        for (auto [tensor, value] : llvm::zip(tensors, exact))
          if (tensor->isReal()) {
            copies.push_back(moved(*tensor, *value, rounding, op, noise));
            tensor = &copies.back();
          }
      result.samples.push_back(std::move(evaluate(op, tensors).front()));
    }
    if (result.exact.isReal() && !rounding.isExact())
      roundSamples(op, rounding, sumErrors(op, exact, rounding), result, noise);
    spreadJumps(op, operands, result, noise);
    spreadKinks(op, operands, result, noise);
    return results;
  }

  std::vector<Tracked> loop(ScanOp scan, ArrayRef<const Tracked *> operands) {
    size_t carries = scan.getInits().size(), xs = scan.getXs().size();
    mlir::Block &body = scan.getBody().front();
    std::vector<Tracked> state;
    for (size_t i = 0; i < carries; i++)
      state.push_back(*operands[i]);
    std::vector<Tracked> ys;
    for (Value y : scan.getYs())
      ys.push_back(stackOf(tensorType(y)));
    for (int64_t n = 0; n < int64_t(scan.getLength()); n++) {
      int64_t row = scan.getReverse() ? scan.getLength() - 1 - n : n;
      std::vector<Tracked> arguments = std::move(state);
      for (size_t i = 0; i < xs; i++)
        arguments.push_back(
            rowOf(*operands[carries + i], row,
                  tensorType(body.getArgument(unsigned(carries + i)))));
      for (size_t i = carries + xs; i < operands.size(); i++)
        arguments.push_back(*operands[i]);
      std::vector<Tracked> results = run(body, std::move(arguments));
      for (size_t i = 0; i < ys.size(); i++)
        for (int m = -1; m < kSamples; m++) {
          const HostTensor &y = results[carries + i].at(m);
          copyElements(y, 0, m < 0 ? ys[i].exact : ys[i].samples[m],
                       row * y.size(), y.size());
        }
      results.resize(carries);
      state = std::move(results);
    }
    llvm::append_range(state, ys);
    return state;
  }

  static Tracked stackOf(RankedTensorType type) {
    Tracked stack{HostTensor(type), {}};
    stack.samples.assign(kSamples, stack.exact);
    return stack;
  }

  static Tracked rowOf(const Tracked &stack, int64_t row,
                       RankedTensorType type) {
    Tracked result{HostTensor(type), {}};
    if (!stack.isExact())
      result.samples.assign(kSamples, result.exact);
    for (int m = -1; m < int(result.samples.size()); m++)
      copyElements(stack.at(m), row * result.exact.size(),
                   m < 0 ? result.exact : result.samples[m], 0,
                   result.exact.size());
    return result;
  }

  Noise noise;
  const double factors;
};

} // namespace

std::vector<Tracked> track(mlir::func::FuncOp function,
                           std::vector<HostTensor> arguments, uint64_t seed,
                           double factors) {
  std::vector<Tracked> values;
  for (HostTensor &argument : arguments)
    values.push_back({std::move(argument), {}});
  return Lockstep(seed, factors)
      .run(function.getBody().front(), std::move(values));
}

} // namespace phlox::fuzz
