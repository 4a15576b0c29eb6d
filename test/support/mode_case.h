// A small instance of an algorithm, to be run in every mode on equal numbers.
#pragma once
#include "dsl/program.h"
#include "mlir/IR/OwningOpRef.h"
#include "test/support/step_comparison.h"
#include <set>

namespace phlox::test {

/// Learning rate of every optimiser of a case, constant from the start, and the
/// step of its moving averages.
inline constexpr double kCaseRate = 1e-3, kCaseEmaRate = 0.05;

/// Rows of a batch, and width of the hidden layers.
struct CaseSize {
  int64_t batch = 16, hidden = 32;
};

struct ModeCase {
  /// Traces `algorithm` small; `explicitNoise` makes its draws inputs.
  ModeCase(const std::string &algorithm, bool explicitNoise,
           CaseSize size = {});

  /// Draws inputs as a trainer would give them (actions in the box, few
  /// terminations, noise of its distribution); leaves come from `state`.
  Tensors arguments(const std::string &entry, unsigned seed,
                    const Tensors &state) const;
  /// All leaves after `init`, rounded to f32.
  Tensors initialState() const;
  /// Names of all entry points.
  std::vector<std::string> entries() const;

  Program program;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::set<std::string> uniformStreams;
};

/// Rounds every real to f32, as a leaf does.
void roundToFloat(Tensors &tensors);

} // namespace phlox::test
