#include "runtime/sha256_blocks.h"
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace phlox::runtime {

#if defined(__x86_64__)
namespace {

bool detect() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 9 & 1) || !(c >> 19 & 1))
    return false; // SSSE3, SSE4.1
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
}

__attribute__((target("sha,sse4.1"))) void
compress(Sha256Words &words, const std::byte *blocks, std::size_t count) {
  auto *memory = reinterpret_cast<__m128i *>(words.data());
  const __m128i big_endian =
      _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  // the instructions want the words as (a b e f) and (c d g h)
  __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128(memory), 0xb1);
  __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(memory + 1), 0x1b);
  __m128i abef = _mm_alignr_epi8(abcd, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
  for (; count > 0; --count, blocks += 64) {
    __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4]; // the last 16 words of the schedule
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      __m128i &now = w[i % 4], before = w[(i + 3) % 4];
      if (i < 4) {
        auto *at = reinterpret_cast<const __m128i *>(blocks) + i;
        now = _mm_shuffle_epi8(_mm_loadu_si128(at), big_endian);
      } else {
        __m128i seven_back = _mm_alignr_epi8(before, w[(i + 2) % 4], 4);
        __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(now, w[(i + 1) % 4]),
                                    seven_back);
        now = _mm_sha256msg2_epu32(sum, before);
      }
      auto *constants =
          reinterpret_cast<const __m128i *>(sha256_round_constants) + i;
      __m128i k = _mm_add_epi32(now, _mm_loadu_si128(constants));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(memory, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(memory + 1, _mm_alignr_epi8(dchg, feba, 8));
}

} // namespace

bool sha256_blocks_x86(Sha256Words &words, const std::byte *blocks,
                       std::size_t count) {
  static const bool present = detect();
  if (present)
    compress(words, blocks, count);
  return present;
}

#else

bool sha256_blocks_x86(Sha256Words &, const std::byte *, std::size_t) {
  return false;
}

#endif

} // namespace phlox::runtime
