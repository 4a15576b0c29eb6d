// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @gather
func.func @gather(%x: tensor<8x32x6xf32>, %i: tensor<8xi32>) -> tensor<8x6xf32> {
  // CHECK: phlox.gather %{{.*}}, %{{.*}} : tensor<8x32x6xf32>, tensor<8xi32> -> tensor<8x6xf32>
  %r = phlox.gather %x, %i
    : tensor<8x32x6xf32>, tensor<8xi32> -> tensor<8x6xf32>
  return %r : tensor<8x6xf32>
}

// -----

func.func @rank(%x: tensor<8xf32>, %i: tensor<8xi32>) {
  // expected-error @+2 {{[gather_c1] index must have a lower rank than x: got 8 for 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.gather %x, %i : tensor<8xf32>, tensor<8xi32> -> tensor<8xf32>
  return
}

// -----

func.func @extents(%x: tensor<8x32xf32>, %i: tensor<7xi32>) {
  // expected-error @+2 {{[gather_c2] x must begin with the index's extents: got 8x32 for 7}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.gather %x, %i : tensor<8x32xf32>, tensor<7xi32> -> tensor<8xf32>
  return
}
