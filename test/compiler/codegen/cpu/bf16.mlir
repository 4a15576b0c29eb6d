// RUN: phlox-opt --phlox-kernels="target=x86-64-v4 precision=bf16 amx=on" --canonicalize --cse %s | FileCheck %s --check-prefix=BF16
// RUN: phlox-opt --phlox-kernels="target=x86-64-v4 precision=high amx=on" --canonicalize --cse %s | FileCheck %s --check-prefix=HIGH
// RUN: phlox-opt --phlox-kernels="target=x86-64-v3 precision=high amx=emulated" --canonicalize --cse %s | FileCheck %s --check-prefix=HIGH
// RUN: phlox-opt --phlox-kernels="target=x86-64-v4 precision=f32 amx=on" %s | FileCheck %s --check-prefix=NONE
// RUN: phlox-opt --phlox-kernels="target=x86-64-v4 precision=high amx=off" %s | FileCheck %s --check-prefix=NONE
// RUN: phlox-opt --phlox-kernels="target=x86-64-v4 precision=bf16 amx=off" --canonicalize --cse %s | FileCheck %s --check-prefix=PAIRS
// RUN: not phlox-opt --phlox-kernels="target=x86-64-v4 precision=f8" %s 2>&1 | FileCheck %s --check-prefix=BAD

// The right operand is packed first, pairs of rows side by side.

// BF16-LABEL: @phlox_product_0_pack_code
// BF16: %[[EVEN:.*]] = arith.bitcast {{.*}} : vector<16xbf16> to vector<16xi16>
// BF16: %[[ODD:.*]] = arith.bitcast {{.*}} : vector<16xbf16> to vector<16xi16>
// BF16: vector.interleave %[[EVEN]], %[[ODD]] : vector<16xi16> -> vector<32xi16>
// BF16-NOT: amx.tile_

// Four sums and at most four operands: an operand dies before the next one of
// its kind is loaded.

// BF16-LABEL: @phlox_product_1_matmul_code
// BF16-DAG: %[[A:.*]] = builtin.unrealized_conversion_cast {{.*}} to memref<8x16x32xbf16>
// BF16-DAG: %[[B:.*]] = builtin.unrealized_conversion_cast {{.*}} to memref<16x16x32xbf16>
// BF16-COUNT-4: amx.tile_zero : !amx.tile<16x16xf32>
// BF16-NOT: amx.tile_zero
// BF16: %[[SUMS:.*]]:4 = scf.for {{.*}} iter_args(%[[C0:.*]] = {{.*}}, %[[C1:.*]] = {{.*}}, %[[C2:.*]] = {{.*}}, %[[C3:.*]] = {{.*}})
// BF16: %[[A0:.*]] = amx.tile_load %[[A]]
// BF16: %[[B0:.*]] = amx.tile_load %[[B]]
// BF16-NEXT: %[[D0:.*]] = amx.tile_mulf %[[A0]], %[[B0]], %[[C0]] : !amx.tile<16x32xbf16>, !amx.tile<16x32xbf16>, !amx.tile<16x16xf32>
// BF16: %[[B1:.*]] = amx.tile_load %[[B]]
// BF16-NEXT: %[[D1:.*]] = amx.tile_mulf %[[A0]], %[[B1]], %[[C1]]
// BF16: %[[A1:.*]] = amx.tile_load %[[A]]
// BF16-NEXT: %[[D2:.*]] = amx.tile_mulf %[[A1]], %[[B0]], %[[C2]]
// BF16-NEXT: %[[D3:.*]] = amx.tile_mulf %[[A1]], %[[B1]], %[[C3]]
// BF16-NEXT: scf.yield %[[D0]], %[[D1]], %[[D2]], %[[D3]]
// BF16: amx.tile_store {{.*}}, %[[SUMS]]#0
// BF16: amx.tile_store {{.*}}, %[[SUMS]]#1
// BF16: amx.tile_store {{.*}}, %[[SUMS]]#2
// BF16: amx.tile_store {{.*}}, %[[SUMS]]#3
// BF16-NOT: amx.tile_

// The small parts of the rows, then the large ones, then the small parts of the
// columns.

// HIGH-LABEL: @phlox_product_1_matmul_code
// HIGH: scf.for {{.*}} iter_args(%[[C0:.*]] = {{.*}}, %[[C1:.*]] = {{.*}}, %[[C2:.*]] = {{.*}}, %[[C3:.*]] = {{.*}})
// HIGH: %[[L0:.*]] = amx.tile_load %[[LOW:[0-9]+]][
// HIGH: %[[B0:.*]] = amx.tile_load %[[BHIGH:[0-9]+]][
// HIGH-NEXT: %[[D0:.*]] = amx.tile_mulf %[[L0]], %[[B0]], %[[C0]]
// HIGH: %[[B1:.*]] = amx.tile_load %[[BHIGH]][
// HIGH-NEXT: %[[D1:.*]] = amx.tile_mulf %[[L0]], %[[B1]], %[[C1]]
// HIGH: %[[L1:.*]] = amx.tile_load %[[LOW]][
// HIGH-NEXT: %[[D2:.*]] = amx.tile_mulf %[[L1]], %[[B0]], %[[C2]]
// HIGH-NEXT: %[[D3:.*]] = amx.tile_mulf %[[L1]], %[[B1]], %[[C3]]
// HIGH-NEXT: %[[H0:.*]] = amx.tile_load %[[HIGH:[0-9]+]][
// HIGH-NEXT: %[[E0:.*]] = amx.tile_mulf %[[H0]], %[[B0]], %[[D0]]
// HIGH-NEXT: %[[E1:.*]] = amx.tile_mulf %[[H0]], %[[B1]], %[[D1]]
// HIGH-NEXT: %[[H1:.*]] = amx.tile_load %[[HIGH]][
// HIGH-NEXT: %[[E2:.*]] = amx.tile_mulf %[[H1]], %[[B0]], %[[D2]]
// HIGH-NEXT: %[[E3:.*]] = amx.tile_mulf %[[H1]], %[[B1]], %[[D3]]
// HIGH-NEXT: %[[BL0:.*]] = amx.tile_load
// HIGH-NEXT: %[[F0:.*]] = amx.tile_mulf %[[H0]], %[[BL0]], %[[E0]]
// HIGH-NEXT: %[[F2:.*]] = amx.tile_mulf %[[H1]], %[[BL0]], %[[E2]]
// HIGH-NEXT: %[[BL1:.*]] = amx.tile_load
// HIGH-NEXT: %[[F1:.*]] = amx.tile_mulf %[[H0]], %[[BL1]], %[[E1]]
// HIGH-NEXT: %[[F3:.*]] = amx.tile_mulf %[[H1]], %[[BL1]], %[[E3]]
// HIGH-NEXT: scf.yield %[[F0]], %[[F1]], %[[F2]], %[[F3]]

// Without AMX two products are added at once: to 8 rows and 32 columns of sums.

// PAIRS-NOT: amx.
// PAIRS-LABEL: @phlox_product_0_pack_code
// PAIRS-LABEL: @phlox_product_1_matmul_code
// PAIRS: scf.for {{.*}} iter_args
// PAIRS-COUNT-2: vector.bitcast {{.*}} : vector<16xi32> to vector<32xbf16>
// PAIRS-COUNT-16: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// PAIRS-NOT: dpbf16ps
// PAIRS: scf.yield

// NONE-NOT: amx.
// NONE-NOT: dpbf16ps
// BAD: precision must be f32, high or bf16: got 'f8'
func.func @product(%a: tensor<64x100xf32>, %b: tensor<100x64xf32>) -> tensor<64x64xf32> {
  %c = phlox.matmul %a, %b : tensor<64x100xf32>, tensor<100x64xf32> -> tensor<64x64xf32>
  return %c : tensor<64x64xf32>
}

// A tile would be half empty: vectors do it.

// BF16-LABEL: @phlox_small_0_matmul_code
// BF16-NOT: amx.tile_
// HIGH-LABEL: @phlox_small_0_matmul_code
// HIGH-NOT: amx.tile_
// PAIRS-LABEL: @phlox_small_0_matmul_code
// PAIRS-NOT: dpbf16ps
func.func @small(%a: tensor<64x11xf32>, %b: tensor<11x64xf32>) -> tensor<64x64xf32> {
  %c = phlox.matmul %a, %b : tensor<64x11xf32>, tensor<11x64xf32> -> tensor<64x64xf32>
  return %c : tensor<64x64xf32>
}

// Two products of one right operand read one copy of it.

// HIGH-LABEL: llvm.func @phlox_entry_shared
// PAIRS-LABEL: llvm.func @phlox_entry_shared
// BF16-LABEL: llvm.func @phlox_entry_shared
// BF16: llvm.func internal @phlox_shared_{{[0-9]+}}_pack(
// BF16-NOT: llvm.func internal @phlox_shared_{{[0-9]+}}_pack(
func.func @shared(%a: tensor<64x20xf32>, %b: tensor<48x20xf32>, %w: tensor<20x40xf32>)
    -> (tensor<64x40xf32>, tensor<48x40xf32>) {
  %c = phlox.matmul %a, %w : tensor<64x20xf32>, tensor<20x40xf32> -> tensor<64x40xf32>
  %d = phlox.matmul %b, %w : tensor<48x20xf32>, tensor<20x40xf32> -> tensor<48x40xf32>
  return %c, %d : tensor<64x40xf32>, tensor<48x40xf32>
}
