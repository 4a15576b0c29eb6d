#include "test/fuzz/shrink.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include <stdexcept>

namespace phlox::fuzz {

namespace {

class Shrinker {
public:
  Shrinker(Recipe recipe, const Fails &fails, int attempts)
      : best(std::move(recipe)), fails(fails), left(attempts) {}

  Recipe run() {
    for (bool moved = true; moved && left > 0;) {
      moved = dropSteps();
      for (size_t i = 0; i < best.steps.size(); i++)
        moved |= simplify([i](Recipe &r) -> Decisions & { return r.steps[i]; });
      moved |= simplify([](Recipe &r) -> Decisions & { return r.frame; });
    }
    return best;
  }

private:
  bool attempt(const Recipe &smaller) {
    if (left <= 0 || smaller == best)
      return false;
    left--;
    if (!fails(smaller))
      return false;
    best = smaller;
    return true;
  }

  // runs of half of them, then of a quarter, then single ones, from the end
  bool dropSteps() {
    bool moved = false;
    for (size_t run = (best.steps.size() + 1) / 2; run > 0; run /= 2)
      for (size_t end = best.steps.size(); end >= run && end > 0;) {
        Recipe smaller = best;
        smaller.steps.erase(smaller.steps.begin() + int64_t(end - run),
                            smaller.steps.begin() + int64_t(end));
        bool helped = attempt(smaller);
        moved |= helped;
        end = std::min(end - (helped ? run : 1), best.steps.size());
      }
    return moved;
  }

  template <class Part> bool simplify(Part part) {
    bool moved = false;
    for (size_t i = 0; i < part(best).size(); i++) {
      uint32_t old = part(best)[i];
      for (uint32_t simpler : {0u, old / 2, old - 1}) {
        if (simpler >= old)
          continue;
        Recipe smaller = best;
        part(smaller)[i] = simpler;
        if (attempt(smaller)) {
          moved = true;
          break;
        }
      }
    }
    return moved;
  }

  Recipe best;
  const Fails &fails;
  int left;
};

} // namespace

Recipe shrink(Recipe recipe, const Fails &fails, int attempts) {
  return Shrinker(std::move(recipe), fails, attempts).run();
}

mlir::OwningOpRef<mlir::ModuleOp>
withResults(mlir::ModuleOp program, const std::vector<std::string> &names) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(
      mlir::cast<mlir::ModuleOp>(program->clone()));
  auto function = copy->lookupSymbol<mlir::func::FuncOp>("f");
  llvm::BitVector erased(function.getNumResults());
  for (unsigned i = 0; i < erased.size(); i++) {
    auto leaf = function.getResultAttrOfType<mlir::StringAttr>(i, kLeafAttr);
    auto output =
        function.getResultAttrOfType<mlir::StringAttr>(i, kOutputAttr);
    std::string name = leaf ? "leaf:" + leaf.str() : output.str();
    erased[i] = !llvm::is_contained(names, name);
  }
  if (erased.all())
    throw std::runtime_error("a program must keep a result");
  function.getBody().front().getTerminator()->eraseOperands(erased);
  if (mlir::failed(function.eraseResults(erased)))
    throw std::runtime_error("results cannot be erased");
  mlir::PassManager passes(program.getContext());
  passes.addPass(mlir::createCSEPass()); // drops what is dead, too
  if (mlir::failed(passes.run(*copy)))
    throw std::runtime_error("simplification failed");
  // arguments that nobody reads
  llvm::BitVector unread(function.getNumArguments());
  for (unsigned i = 0; i < unread.size(); i++)
    unread[i] = function.getArgument(i).use_empty();
  if (mlir::failed(function.eraseArguments(unread)))
    throw std::runtime_error("arguments cannot be erased");
  return copy;
}

} // namespace phlox::fuzz
