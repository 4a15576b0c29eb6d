// One program in all its modes against what rounding allows.
#pragma once
#include "compiler/pipelines/CompileOptions.h"
#include "test/fuzz/tracked.h"
#include "test/support/program_runner.h"

namespace phlox::fuzz {

/// One way to compile and run a program.
struct Setting {
  std::string target = "native";
  std::vector<std::string> without; ///< rewrites left out
  bool isEager = false;
  /// Also with 2 and 3 threads; on a busy machine they wait for each other.
  bool hasThreads = true;
  bool rewritesAll = false; ///< also where it does not pay
  /// Of products: f32, high or bf16. By AMX, emulated, but for bf16 on a
  /// machine with AVX512-BF16.
  std::string precision = "f32";
};
std::string textOf(const Setting &setting);
/// Draws a setting for targets of this machine; `rewrites` may be left out, and
/// the first of the precisions is the most frequent one.
Setting drawSetting(uint64_t seed, const std::vector<std::string> &targets,
                    const std::vector<std::string> &rewrites,
                    const std::vector<std::string> &precisions);
/// Those of x86-64-v3 and x86-64-v4 that this machine runs.
std::vector<std::string> targetsHere();

/// What was compared.
struct Tally {
  int64_t programs = 0, runs = 0;
  int64_t reduced = 0;    ///< programs with products of less than f32
  int64_t elements = 0;   ///< compared with the interpreter
  int64_t meaningful = 0; ///< those whose bound is below 1 % (bf16: half) of
                          ///< the element or of its tensor's norm; integers
                          ///< that are certain
  int64_t exact = 0;      ///< those that had to be equal to the bit
  void add(const Tally &other);
};
std::string textOf(const Tally &tally);

/// A program's arguments, and its results with their ranges.
struct Reference {
  test::Tensors arguments;
  std::map<std::string, Tracked> results;
};
/// Interprets entry point "f", whose products are as precise as named;
/// arguments follow from their names and types.
Reference makeReference(mlir::ModuleOp program,
                        const std::string &precision = "f32");

/// Runs a program with 1, 2 and 3 threads, and with tasks run backward between
/// guards (eager: once): what is out of bounds, or differs between them, each
/// with a line; empty is good.
std::vector<std::string> differences(mlir::ModuleOp program,
                                     const Reference &reference,
                                     const Setting &setting, Tally &tally);

} // namespace phlox::fuzz
