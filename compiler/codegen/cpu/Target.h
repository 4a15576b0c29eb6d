// What code generation needs to know of an instruction set.
#pragma once
#include "compiler/pipelines/CompileOptions.h"
#include "phlox/executable.h"
#include "llvm/Support/Error.h"
#include <string>

namespace phlox::cpu {

struct Target {
  std::string name;     ///< x86-64-v3, x86-64-v4 or one of those below
  std::string cpu;      ///< LLVM's name
  std::string features; ///< LLVM's feature string
  uint64_t isa = 0;     ///< phlox_isa bits that the code needs
  int64_t lanes = 8;    ///< f32 elements of one vector register
  int64_t tileRows = 6, tileVectors = 2; ///< register tile of a matmul
  Amx amx = Amx::off;
  /// Per f32 in products, by AMX or else by AVX512-BF16; 0: products are f32.
  int64_t bf16Parts = 0;

  /// The part of the name that differs: v3, v4, bf16, amx.
  llvm::StringRef shortName() const {
    if (amx == Amx::on)
      return "amx";
    auto [first, last] = llvm::StringRef(name).rsplit('-');
    return last.empty() ? first : last;
  }
};

/// The variant that multiplies pairs of bf16 by AVX512-BF16.
constexpr const char *kPairTarget = "avx512-bf16";
/// The variants whose products are of tiles of bf16, by AMX: one bf16 per f32,
/// and two.
constexpr const char *kTileTarget = "amx-bf16";
constexpr const char *kTwoTileTarget = "amx-bf16x3";

/// Looks a target up: native (the best that the runtime would run here),
/// x86-64-v3 or x86-64-v4.
///
/// Errors: an unknown name, or a machine without AVX2 for `native`.
llvm::Expected<Target> lookupTarget(llvm::StringRef name);

/// Looks up targets with commas between them; returns the widest first.
///
/// Errors: as lookupTarget; one that is named twice.
llvm::Expected<std::vector<Target>> lookupTargets(llvm::StringRef names);

/// Makes products as precise as the options ask: by AMX, emulated by every
/// target or in a variant of its own before the others, or for bf16 by
/// AVX512-BF16 in one that has it. `native` gives one variant.
///
/// Errors: an unknown precision; bf16 without x86-64-v4, or on a machine that
///         `native` names and no variant runs on.
llvm::Expected<std::vector<Target>>
withPrecision(std::vector<Target> targets, const CompileOptions &options);

/// The options that make a variant alone, on a machine that runs it.
CompileOptions optionsOf(llvm::StringRef variant);

} // namespace phlox::cpu
