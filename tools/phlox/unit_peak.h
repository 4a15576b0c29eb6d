// What the arithmetic units can do at this moment.
#pragma once
#include "phlox/executable.h"

namespace phlox::tools {

/// Measures multiply-adds from registers alone on `threads` threads, by the
/// unit that computes a variant's products of 16 rows and more: vectors of f32,
/// pairs of bf16 (AVX512-BF16) or tiles (AMX). What f32 costs as two bf16,
/// three products, counts once. Takes about 20 ms.
///
/// Units:   GFLOP/s, a multiply-add being 2.
double measure_peak(const phlox_variant &variant, int threads);

/// How precise a variant's products are: f32, high (two bf16) or bf16.
const char *precision_of(const phlox_variant &variant);

} // namespace phlox::tools
