// What the arithmetic units can do at this moment.
#pragma once

namespace phlox::tools {

/// Measures single-precision multiply-adds from registers alone, on `threads`
/// threads and with the widest vectors that the runtime would use; takes about
/// 20 ms.
///
/// Units:   GFLOP/s, a multiply-add being 2.
double measure_fma_peak(int threads);

} // namespace phlox::tools
