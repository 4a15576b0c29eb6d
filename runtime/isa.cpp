#include "runtime/isa.h"
#include "phlox/runtime.h"
#include <cstdlib>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace phlox::runtime {
namespace {

constexpr std::uint64_t v3_bits = PHLOX_ISA_AVX2;
constexpr std::uint64_t v4_bits = v3_bits | PHLOX_ISA_AVX512F |
                                  PHLOX_ISA_AVX512BW | PHLOX_ISA_AVX512CD |
                                  PHLOX_ISA_AVX512DQ | PHLOX_ISA_AVX512VL;
constexpr std::uint64_t bf16_bits = v4_bits | PHLOX_ISA_AVX512BF16;
constexpr std::uint64_t amx_bits =
    bf16_bits | PHLOX_ISA_AMX_TILE | PHLOX_ISA_AMX_BF16;

#if defined(__x86_64__)

struct Leaf {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Leaf cpuid(unsigned leaf, unsigned subleaf = 0) {
  Leaf result;
  __get_cpuid_count(leaf, subleaf, &result.a, &result.b, &result.c, &result.d);
  return result;
}

bool has(unsigned word, std::initializer_list<int> bits) {
  for (int bit : bits)
    if (!(word >> bit & 1))
      return false;
  return true;
}

// register sets that the system saves when it switches threads
std::uint64_t saved_registers() {
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

#endif

} // namespace

std::uint64_t detect_isa() {
#if defined(__x86_64__)
  Leaf basic = cpuid(1), extended = cpuid(7), extended1 = cpuid(7, 1);
  Leaf amd = cpuid(0x80000001);
  if (!has(basic.c, {27})) // XGETBV itself
    return 0;
  std::uint64_t saved = saved_registers();
  auto saves = [&](std::uint64_t mask) { return (saved & mask) == mask; };
  std::uint64_t isa = 0;
  // FMA, MOVBE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT
  if (saves(0x6) && has(basic.c, {12, 22, 28, 29}) &&
      has(extended.b, {3, 5, 8}) && has(amd.c, {5}))
    isa |= PHLOX_ISA_AVX2;
  if (saves(0xe6) && has(extended.b, {16})) {
    isa |= PHLOX_ISA_AVX512F;
    isa |= has(extended.b, {30}) ? PHLOX_ISA_AVX512BW : 0;
    isa |= has(extended.b, {28}) ? PHLOX_ISA_AVX512CD : 0;
    isa |= has(extended.b, {17}) ? PHLOX_ISA_AVX512DQ : 0;
    isa |= has(extended.b, {31}) ? PHLOX_ISA_AVX512VL : 0;
    isa |= has(extended1.a, {5}) ? PHLOX_ISA_AVX512BF16 : 0;
  }
  if (saves(0x60000) && has(extended.d, {24})) {
    isa |= PHLOX_ISA_AMX_TILE;
    // code for tiles of bf16 also converts with AVX512-BF16
    isa |=
        has(extended.d, {22}) && has(extended1.a, {5}) ? PHLOX_ISA_AMX_BF16 : 0;
  }
  return isa;
#else
  return 0;
#endif
}

bool tiles_permitted() {
#if defined(__x86_64__)
  constexpr int request_permission = 0x1023, tile_data = 18;
  static const bool permitted =
      syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
  return permitted;
#else
  return false;
#endif
}

std::optional<std::uint64_t> isa_limit(std::string_view text) {
  if (text.empty())
    return ~std::uint64_t{0};
  if (text == "x86-64")
    return 0;
  if (text == "x86-64-v3")
    return v3_bits;
  if (text == "x86-64-v4")
    return v4_bits;
  if (text == "avx512-bf16")
    return bf16_bits;
  if (text == "amx")
    return amx_bits;
  return std::nullopt;
}

std::string isa_text(std::uint64_t bits) {
  constexpr const char *names[] = {"AVX2",     "AVX512F",  "AVX512BW",
                                   "AVX512CD", "AVX512DQ", "AVX512VL",
                                   "AMX-TILE", "AMX-BF16", "AVX512-BF16"};
  std::string text;
  for (int bit = 0; bit < 64; ++bit) {
    if (!(bits >> bit & 1))
      continue;
    text += text.empty() ? "" : ", ";
    text += bit < 9 ? names[bit] : "bit " + std::to_string(bit);
  }
  return text;
}

} // namespace phlox::runtime

uint64_t phlox_isa_available(void) {
  static const std::uint64_t detected = phlox::runtime::detect_isa();
  const char *limit = std::getenv("PHLOX_MAX_ISA");
  return detected & phlox::runtime::isa_limit(limit ? limit : "").value_or(0);
}
