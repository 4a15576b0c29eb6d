// What the arithmetic units can do at this moment.
#pragma once

namespace phlox::tools {

/// Measures multiply-adds from registers alone, on `threads` threads: of f32,
/// with the widest vectors that the runtime would use, or of pairs of bf16, by
/// AVX512-BF16; takes about 20 ms.
///
/// Units:   GFLOP/s, a multiply-add being 2.
double measure_fma_peak(int threads, bool bf16 = false);

} // namespace phlox::tools
