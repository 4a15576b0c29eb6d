// Looks for programs that go wrong, and hands back small ones.
#pragma once
#include "test/fuzz/comparison.h"
#include "test/fuzz/recipe.h"
#include <functional>

namespace phlox::fuzz {

struct Search {
  uint64_t seed = 0;
  int64_t programs = 1000;
  double seconds = 1e9; ///< of the clock; programs at hand are finished
  std::vector<std::string> targets;  ///< to compile for
  std::vector<std::string> rewrites; ///< those that are left out at random
  std::vector<std::string> precisions = {"f32", "high",
                                         "bf16"}; ///< of products
  int attempts = 400; ///< programs tried to shrink one
};

/// A program that goes wrong.
struct Failure {
  uint64_t seed = 0;
  Setting setting;
  std::string problem; ///< lines
  std::string text;    ///< the program, shrunk, as MLIR with a heading
};

/// Tries the programs of seed, seed + 1, ... in processes of their own, and
/// reports each failure once it is shrunk; `progress`, if any, hears the tally
/// after every hundred.
Tally search(const Search &what,
             const std::function<void(const Failure &)> &report,
             const std::function<void(const Tally &)> &progress = nullptr);

/// Compares a program in many settings: each target with all rewrites in each
/// precision, and in the first one with none or one left out, and eager.
std::vector<std::string> replay(mlir::ModuleOp program,
                                const std::vector<std::string> &targets,
                                const std::vector<std::string> &rewrites,
                                const std::vector<std::string> &precisions,
                                Tally &tally);

} // namespace phlox::fuzz
