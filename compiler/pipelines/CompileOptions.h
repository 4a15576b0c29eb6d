// Everything that can be asked of a compilation.
#pragma once
#include <string>
#include <vector>

namespace phlox {

/// Whether products of less than f32 are computed by AMX. Nothing but tests
/// changes it.
enum class Amx {
  off,      ///< not at all: `high` is f32, `bf16` wants AVX512-BF16
  emulated, ///< by loops that round as AMX does
  on        ///< by AMX, in a variant for machines that have it
};

struct CompileOptions {
  /// native, x86-64-v3, x86-64-v4, or several with commas: the runtime takes
  /// the best that the processor has
  std::string target = "native";
  /// Of products: f32, high (by AMX two bf16 per f32, else f32) or bf16 (by AMX
  /// or AVX512-BF16)
  std::string precision = "f32";
  Amx amx = Amx::on;
  bool explicitNoise = false;       ///< noise becomes inputs
  std::vector<std::string> without; ///< rewrites left out, of rewriteNames()
  double leastGain = 1;             ///< factor of what a rewrite must save
  bool records = false;             ///< kernels report their times
  bool embedIr = true;       ///< keep the program for eager and interpret
  std::string dumpDirectory; ///< where to write the IR after each phase
  std::string description;   ///< JSON: algorithm, env, config
};

} // namespace phlox
