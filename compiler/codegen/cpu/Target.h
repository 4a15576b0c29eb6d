// What code generation needs to know of an instruction set.
#pragma once
#include "phlox/executable.h"
#include "llvm/Support/Error.h"
#include <string>

namespace phlox::cpu {

struct Target {
  std::string name;     ///< x86-64-v3 or x86-64-v4
  std::string features; ///< LLVM's feature string
  uint64_t isa = 0;     ///< phlox_isa bits that the code needs
  int64_t lanes = 8;    ///< f32 elements of one vector register
  int64_t tileRows = 6, tileVectors = 2; ///< register tile of a matmul
};

/// Looks a target up: native, x86-64-v3 or x86-64-v4.
///
/// Errors: an unknown name, or a machine without AVX2 for `native`.
llvm::Expected<Target> lookupTarget(llvm::StringRef name);

/// Looks up targets with commas between them; returns the widest first.
///
/// Errors: as lookupTarget; one that is named twice.
llvm::Expected<std::vector<Target>> lookupTargets(llvm::StringRef names);

} // namespace phlox::cpu
