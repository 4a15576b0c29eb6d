#include "tools/phlox/fma_peak.h"
#include "phlox/runtime.h"
#include <algorithm>
#include <barrier>
#include <chrono>
#include <immintrin.h>
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

__attribute__((target("avx2,fma"))) float run_256(int rounds) {
  __m256 sum[sums], factor = _mm256_set1_ps(.999f),
                    step = _mm256_set1_ps(.001f);
  for (int i = 0; i < sums; i++)
    sum[i] = _mm256_set1_ps(static_cast<float>(i));
  for (int n = 0; n < rounds; n++)
#pragma GCC unroll 12
    for (int i = 0; i < sums; i++) {
      sum[i] = _mm256_fmadd_ps(sum[i], factor, step);
      PHLOX_OPAQUE(sum[i]);
    }
  float total = 0;
  for (int i = 0; i < sums; i++)
    total += _mm256_cvtss_f32(sum[i]);
  return total;
}

__attribute__((target("avx512f"))) float run_512(int rounds) {
  __m512 sum[sums], factor = _mm512_set1_ps(.999f),
                    step = _mm512_set1_ps(.001f);
  for (int i = 0; i < sums; i++)
    sum[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int n = 0; n < rounds; n++)
#pragma GCC unroll 12
    for (int i = 0; i < sums; i++) {
      sum[i] = _mm512_fmadd_ps(sum[i], factor, step);
      PHLOX_OPAQUE(sum[i]);
    }
  float total = 0;
  for (int i = 0; i < sums; i++)
    total += _mm512_cvtss_f32(sum[i]);
  return total;
}

__attribute__((target("avx512bf16"))) float run_bf16(int rounds) {
  __m512 sum[sums];
  const __m512bh factor = _mm512_cvtne2ps_pbh(_mm512_set1_ps(.999f),
                                              _mm512_set1_ps(.999f)),
                 step = _mm512_cvtne2ps_pbh(_mm512_set1_ps(.001f),
                                            _mm512_set1_ps(.001f));
  for (int i = 0; i < sums; i++)
    sum[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int n = 0; n < rounds; n++)
#pragma GCC unroll 12
    for (int i = 0; i < sums; i++) {
      sum[i] = _mm512_dpbf16_ps(sum[i], factor, step);
      PHLOX_OPAQUE(sum[i]);
    }
  float total = 0;
  for (int i = 0; i < sums; i++)
    total += _mm512_cvtss_f32(sum[i]);
  return total;
}

} // namespace

double measure_fma_peak(int threads, bool bf16) {
  using Clock = std::chrono::steady_clock;
  constexpr int rounds = 200'000, repeats = 5;
  const bool wide = phlox_isa_available() & PHLOX_ISA_AVX512F;
  const double flops = 2.0 * sums * rounds * (bf16 ? 32 : wide ? 16 : 8);
  std::vector<double> seconds(static_cast<std::size_t>(threads));
  std::barrier start(threads);
  double best = 0;
  volatile float sink = 0;
  auto work = [&](std::size_t thread) {
    for (int repeat = 0; repeat < repeats; repeat++) {
      start.arrive_and_wait();
      const auto begin = Clock::now();
      sink = bf16 ? run_bf16(rounds) : wide ? run_512(rounds) : run_256(rounds);
      seconds[thread] =
          std::chrono::duration<double>(Clock::now() - begin).count();
      start.arrive_and_wait();
      if (thread == 0)
        best = std::max(best,
                        threads * flops /
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
