// What code generation needs to know of an instruction set.
#pragma once
#include "compiler/pipelines/CompileOptions.h"
#include "phlox/executable.h"
#include "llvm/Support/Error.h"
#include <string>

namespace phlox::cpu {

struct Target {
  std::string name;     ///< x86-64-v3, x86-64-v4 or amx
  std::string cpu;      ///< LLVM's name
  std::string features; ///< LLVM's feature string
  uint64_t isa = 0;     ///< phlox_isa bits that the code needs
  int64_t lanes = 8;    ///< f32 elements of one vector register
  int64_t tileRows = 6, tileVectors = 2; ///< register tile of a matmul
  Amx amx = Amx::off;
  int64_t bf16Parts = 0; ///< per f32 in products by AMX; 0: none

  /// The part of the name that differs: v3, v4, amx.
  llvm::StringRef shortName() const {
    return llvm::StringRef(name).take_back(name == "amx" ? 3 : 2);
  }
};

/// Looks a target up: native, x86-64-v3 or x86-64-v4.
///
/// Errors: an unknown name, or a machine without AVX2 for `native`.
llvm::Expected<Target> lookupTarget(llvm::StringRef name);

/// Looks up targets with commas between them; returns the widest first.
///
/// Errors: as lookupTarget; one that is named twice.
llvm::Expected<std::vector<Target>> lookupTargets(llvm::StringRef names);

/// Makes products use AMX as the options ask: emulated by every target, or by a
/// variant of its own before the others.
///
/// Errors: a precision that no variant has; no x86-64-v4 for the variant.
llvm::Expected<std::vector<Target>> withAmx(std::vector<Target> targets,
                                            const CompileOptions &options);

} // namespace phlox::cpu
