// Instruction sets of this machine as phlox_isa bits, and their names.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace phlox::runtime {

/// Returns the bits that processor and system offer, by CPUID and XCR0. AMX
/// takes a permission beside.
std::uint64_t detect_isa();

/// Asks the system for the tile registers of AMX, once in a process; returns
/// whether it gave them.
///
/// Threads: any.
bool tiles_permitted();

/// Returns the bits that PHLOX_MAX_ISA admits (x86-64, x86-64-v3, x86-64-v4,
/// avx512-bf16 or amx), all for an empty text; nothing for another text.
std::optional<std::uint64_t> isa_limit(std::string_view text);

/// Returns the names of the bits, "AVX512F, AVX512BW".
std::string isa_text(std::uint64_t bits);

} // namespace phlox::runtime
