#include "compiler/pipelines/Simplify.h"
#include "compiler/passes/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace phlox {
namespace {

struct Rewrite {
  const char *name;
  std::unique_ptr<mlir::Pass> (*make)(const CompileOptions &options);
};

template <auto make>
std::unique_ptr<mlir::Pass> always(const CompileOptions &) {
  return make();
}

// Products split before their parts are hoisted; what repeats is found before
// sums move, as a gradient's sum over copies is one of these; a product is cut
// to what is read before loops ask whether it varies. Reshapes move last, when
// no rewrite looks through them any more.
const Rewrite algebra[] = {
    {"sink-repeat", always<createSinkRepeat>},
    {"split-concat",
     [](const CompileOptions &options) {
       return createSplitConcat(SplitConcatOptions{options.leastGain});
     }},
    {"hoist-repeat",
     [](const CompileOptions &options) {
       return createHoistRepeat(HoistRepeatOptions{options.leastGain});
     }},
    {"hoist-sum",
     [](const CompileOptions &options) {
       return createHoistSum(HoistSumOptions{options.leastGain});
     }},
    {"narrow-matmul", always<createNarrowMatmul>},
    {"hoist-scan",
     [](const CompileOptions &options) {
       return createHoistScan(HoistScanOptions{options.leastGain});
     }},
    {"move-reshapes", always<createMoveReshapes>},
};

struct PipelineOptions : mlir::PassPipelineOptions<PipelineOptions> {
  ListOption<std::string> without{*this, "without",
                                  llvm::cl::desc("rewrites to leave out")};
  Option<double> leastGain{*this, "least-gain",
                           llvm::cl::desc("factor of what one must save"),
                           llvm::cl::init(1)};
};

} // namespace

std::vector<std::string> rewriteNames() {
  std::vector<std::string> names;
  for (const Rewrite &rewrite : algebra)
    names.push_back(rewrite.name);
  return names;
}

llvm::Error addSimplification(mlir::OpPassManager &passes,
                              const CompileOptions &options) {
  std::vector<std::string> names = rewriteNames();
  for (const std::string &name : options.without)
    if (!llvm::is_contained(names, name))
      return llvm::createStringError("rewrite must be one of " +
                                     llvm::join(names, ", ") + ": got '" +
                                     name + "'");
  auto tidy = [&] {
    passes.addPass(mlir::createCanonicalizerPass());
    passes.addPass(mlir::createCSEPass());
  };
  tidy();
  passes.addPass(createDecompose());
  tidy();
  for (const Rewrite &rewrite : algebra) {
    if (llvm::is_contained(options.without, rewrite.name))
      continue;
    passes.addPass(rewrite.make(options));
    tidy(); // two networks on one copy of their rows are one network
  }
  return llvm::Error::success();
}

llvm::Error makeNoiseExplicit(mlir::ModuleOp program) {
  mlir::PassManager passes(program.getContext());
  passes.addPass(createExplicitNoise());
  if (mlir::failed(passes.run(program)))
    return llvm::createStringError("noise cannot be made an input");
  return llvm::Error::success();
}

llvm::Error simplify(mlir::ModuleOp program, const CompileOptions &options) {
  mlir::PassManager passes(program.getContext());
  if (auto error = addSimplification(passes, options))
    return error;
  if (mlir::failed(passes.run(program)))
    return llvm::createStringError("simplification failed");
  return llvm::Error::success();
}

void registerSimplification() {
  static mlir::PassPipelineRegistration<PipelineOptions> registration(
      "phlox-simplify", "What compile does before planning.",
      [](mlir::OpPassManager &passes, const PipelineOptions &chosen) {
        CompileOptions options;
        options.leastGain = chosen.leastGain;
        options.without.assign(chosen.without.begin(), chosen.without.end());
        if (auto error = addSimplification(passes, options))
          llvm::report_fatal_error(std::move(error));
      });
}

} // namespace phlox
