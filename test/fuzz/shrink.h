// Cuts a failing program down.
#pragma once
#include "test/fuzz/recipe.h"
#include <functional>

namespace phlox::fuzz {

/// Tells whether the program of a recipe still fails.
using Fails = std::function<bool(const Recipe &)>;

/// Returns a smaller recipe that fails: steps are dropped, then extents and
/// other decisions set to their simplest, halved or made one less, until
/// nothing helps or `attempts` programs were tried.
Recipe shrink(Recipe recipe, const Fails &fails, int attempts = 400);

/// Returns a copy of a program whose entry point has only some of its results
/// (at least one), named as test::Tensors names them; the rest is dead.
mlir::OwningOpRef<mlir::ModuleOp>
withResults(mlir::ModuleOp program, const std::vector<std::string> &names);

} // namespace phlox::fuzz
