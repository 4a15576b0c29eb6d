#include "tools/phlox/unit_peak.h"
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <immintrin.h>
#include <string_view>
#include <thread>
#include <vector>

namespace phlox::tools {
namespace {

// enough independent sums for two units with a latency of four cycles, few
// enough for sixteen registers
constexpr int sums = 12;

// hides from the compiler what a sum is: of sums that it can follow it leaves
// out those that no round changes, and the peak counts them all the same
#define PHLOX_OPAQUE(x) asm volatile("" : "+v"(x))

// `rounds` times an op on each of the sums
#define PHLOX_ROUNDS(Vector, start, op, first_lane)                            \
  Vector sum[sums];                                                            \
  for (int i = 0; i < sums; i++)                                               \
    sum[i] = start(static_cast<float>(i));                                     \
  for (int n = 0; n < rounds; n++)                                             \
    _Pragma("GCC unroll 12") for (int i = 0; i < sums; i++) {                  \
      sum[i] = op;                                                             \
      PHLOX_OPAQUE(sum[i]);                                                    \
    }                                                                          \
  float total = 0;                                                             \
  for (int i = 0; i < sums; i++)                                               \
    total += first_lane(sum[i]);                                               \
  return total

__attribute__((target("avx2,fma"))) float run_256(int rounds) {
  const __m256 factor = _mm256_set1_ps(.999f), step = _mm256_set1_ps(.001f);
  PHLOX_ROUNDS(__m256, _mm256_set1_ps, _mm256_fmadd_ps(sum[i], factor, step),
               _mm256_cvtss_f32);
}

__attribute__((target("avx512f"))) float run_512(int rounds) {
  const __m512 factor = _mm512_set1_ps(.999f), step = _mm512_set1_ps(.001f);
  PHLOX_ROUNDS(__m512, _mm512_set1_ps, _mm512_fmadd_ps(sum[i], factor, step),
               _mm512_cvtss_f32);
}

__attribute__((target("avx512f,avx512bf16"))) float run_pairs(int rounds) {
  const __m512bh factor = _mm512_cvtne2ps_pbh(_mm512_set1_ps(.999f),
                                              _mm512_set1_ps(.999f)),
                 step = _mm512_cvtne2ps_pbh(_mm512_set1_ps(.001f),
                                            _mm512_set1_ps(.001f));
  PHLOX_ROUNDS(__m512, _mm512_set1_ps, _mm512_dpbf16_ps(sum[i], factor, step),
               _mm512_cvtss_f32);
}

// four tiles of sums, two of each operand, all zero
__attribute__((target("amx-tile,amx-bf16"))) float run_tiles(int rounds) {
  struct alignas(64) {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } const config;
  _tile_loadconfig(&config);
  _tile_zero(0), _tile_zero(1), _tile_zero(2), _tile_zero(3);
  _tile_zero(4), _tile_zero(5), _tile_zero(6), _tile_zero(7);
  for (int n = 0; n < rounds; n++) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  return 0;
}

struct Unit {
  float (*run)(int rounds);
  double flops; // of a round
  int rounds;
};

constexpr std::uint64_t tiles = PHLOX_ISA_AMX_TILE | PHLOX_ISA_AMX_BF16;

bool is_high(const phlox_variant &variant) {
  return std::string_view(variant.target).ends_with("x3");
}

Unit unit_of(const phlox_variant &variant) {
  if (variant.isa & tiles)
    return {run_tiles, 4 * 2. * 16 * 16 * 32 / (is_high(variant) ? 3 : 1),
            60'000};
  if (variant.isa & PHLOX_ISA_AVX512BF16)
    return {run_pairs, 2. * sums * 32, 200'000};
  if (variant.isa & PHLOX_ISA_AVX512F)
    return {run_512, 2. * sums * 16, 200'000};
  return {run_256, 2. * sums * 8, 200'000};
}

} // namespace

const char *precision_of(const phlox_variant &variant) {
  if (is_high(variant))
    return "high";
  return variant.isa & PHLOX_ISA_AVX512BF16 ? "bf16" : "f32";
}

double measure_peak(const phlox_variant &variant, int threads) {
  using Clock = std::chrono::steady_clock;
  constexpr int repeats = 5;
  const Unit unit = unit_of(variant);
  std::vector<double> seconds(static_cast<std::size_t>(threads));
  std::barrier start(threads);
  double best = 0;
  volatile float sink = 0;
  auto work = [&](std::size_t thread) {
    for (int repeat = 0; repeat < repeats; repeat++) {
      start.arrive_and_wait();
      const auto begin = Clock::now();
      sink = unit.run(unit.rounds);
      seconds[thread] =
          std::chrono::duration<double>(Clock::now() - begin).count();
      start.arrive_and_wait();
      if (thread == 0)
        best = std::max(best,
                        threads * unit.rounds * unit.flops /
                            *std::max_element(seconds.begin(), seconds.end()));
    }
  };
  std::vector<std::jthread> others;
  for (int i = 1; i < threads; i++)
    others.emplace_back(work, static_cast<std::size_t>(i));
  work(0);
  return best / 1e9;
}

} // namespace phlox::tools
