// phlox-fuzz: random programs, compiled, eager and interpreted, until two
// modes differ by more than rounding explains.
#include "compiler/pipelines/Compile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "test/fuzz/search.h"
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>

namespace phlox::fuzz {
namespace {

int replayFile(const std::string &path, const Search &what) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<PhloxDialect, mlir::func::FuncDialect>();
  auto program = mlir::parseSourceFile<mlir::ModuleOp>(path, &context);
  if (!program)
    return 1;
  Tally tally;
  auto lines =
      replay(*program, what.targets, what.rewrites, what.precisions, tally);
  for (const std::string &line : lines)
    fmt::print("{}\n", line);
  fmt::print("{}\n", textOf(tally));
  return lines.empty() ? 0 : 1;
}

int run(const Search &what, const std::string &folder) {
  int failures = 0;
  Tally tally = search(
      what,
      [&](const Failure &failure) {
        std::string path = fmt::format("{}/fuzz-{}.mlir", folder, failure.seed);
        std::ofstream file(path);
        file << failure.text;
        if (!file.flush())
          throw std::runtime_error(path + ": cannot be written");
        fmt::print("seed {} ({}):\n{}shrunk to {}\n", failure.seed,
                   textOf(failure.setting), failure.problem, path);
        std::fflush(stdout);
        failures++;
      },
      [&](const Tally &tally) {
        if (tally.programs % 500 == 0)
          fmt::print("{} programs, {} failed\n", tally.programs, failures);
        std::fflush(stdout);
      });
  fmt::print("seeds from {}: {}; {} failed\n", what.seed, textOf(tally),
             failures);
  return failures == 0 ? 0 : 1;
}

} // namespace
} // namespace phlox::fuzz

int main(int argc, char **argv) {
  using namespace phlox;
  CLI::App app{"phlox-fuzz: compares random programs in every mode"};
  fuzz::Search what;
  what.targets = fuzz::targetsHere();
  what.rewrites = rewriteNames();
  std::string folder = ".", file;
  app.add_option("--seed", what.seed, "of the first program")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--programs", what.programs, "to try")->capture_default_str();
  app.add_option("--time", what.seconds, "seconds after which to stop");
  app.add_option("--targets", what.targets, "to compile for, of those that run")
      ->delimiter(',')
      ->check(CLI::IsMember(fuzz::targetsHere()));
  app.add_option(
         "--precisions", what.precisions,
         "of products, the first most often; for high, and bf16 without "
         "AVX512-BF16, AMX is emulated")
      ->delimiter(',')
      ->check(CLI::IsMember({"f32", "high", "bf16"}))
      ->capture_default_str();
  app.add_option("--passes", what.rewrites,
                 "rewrites of which some are left out at random")
      ->delimiter(',')
      ->check(CLI::IsMember(rewriteNames()));
  app.add_option("--attempts", what.attempts, "programs tried to shrink one")
      ->capture_default_str();
  app.add_option("--out", folder, "folder for failing programs");
  app.add_option("--replay", file, "a program to compare in every setting")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  try {
    std::filesystem::create_directories(folder);
    return file.empty() ? fuzz::run(what, folder)
                        : fuzz::replayFile(file, what);
  } catch (const std::exception &error) {
    fmt::print(stderr, "phlox-fuzz: {}\n", error.what());
    return 1;
  }
}
