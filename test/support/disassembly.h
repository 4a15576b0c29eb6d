// What is in an object file: its symbols and its innermost loops.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace phlox::test {

/// Runs a command; returns what it prints.
///
/// Errors: std::runtime_error with the output if it fails.
std::string outputOf(const std::string &command);

struct Instruction {
  uint64_t address = 0;
  std::string text; ///< mnemonic and operands, AT&T
};
using Loop = std::vector<Instruction>;

/// Innermost loops of every function whose name ends in `suffix`; the text is
/// that of `objdump -d --no-show-raw-insn`.
std::vector<Loop> innermostLoops(const std::string &disassembly,
                                 const std::string &suffix);

/// A loop over k of a matrix product: it adds products of full vectors to four
/// registers or more.
struct HotLoop {
  std::string text;
  size_t sums = 0; ///< registers that only grow by products
  /// What a hot loop must not hold: a spill, a call, a product rounded before
  /// it is added; empty if nothing.
  std::string fault() const;
};
/// Finds them; `reg` is %ymm or %zmm.
std::vector<HotLoop> hotLoops(const std::string &disassembly,
                              const std::string &reg);

} // namespace phlox::test
