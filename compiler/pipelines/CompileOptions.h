// Everything that can be asked of a compilation.
#pragma once
#include <string>
#include <vector>

namespace phlox {

struct CompileOptions {
  std::string target = "native";    ///< native, x86-64-v3, x86-64-v4
  std::string precision = "high";   ///< f32 or high, which is f32 here
  bool explicitNoise = false;       ///< noise becomes inputs
  bool fuse = true;                 ///< false: one kernel per op (eager)
  std::vector<std::string> without; ///< rewrites left out, of rewriteNames()
  double leastGain = 1;             ///< factor of what a rewrite must save
  bool records = false;             ///< kernels report their times
  bool embedIr = true;       ///< keep the program for eager and interpret
  std::string dumpDirectory; ///< where to write the IR after each phase
  std::string description;   ///< JSON: algorithm, env, config
};

} // namespace phlox
