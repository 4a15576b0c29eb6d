// Everything that can be asked of a compilation.
#pragma once
#include <string>
#include <vector>

namespace phlox {

struct CompileOptions {
  /// native, x86-64-v3, x86-64-v4, or several with commas: the runtime takes
  /// the best that the processor has
  std::string target = "native";
  std::string precision = "high";   ///< f32 or high, which is f32 here
  bool explicitNoise = false;       ///< noise becomes inputs
  std::vector<std::string> without; ///< rewrites left out, of rewriteNames()
  double leastGain = 1;             ///< factor of what a rewrite must save
  bool records = false;             ///< kernels report their times
  bool embedIr = true;       ///< keep the program for eager and interpret
  std::string dumpDirectory; ///< where to write the IR after each phase
  std::string description;   ///< JSON: algorithm, env, config
};

} // namespace phlox
