// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @scatteradd
func.func @scatteradd(%x: tensor<8x6xf32>, %i: tensor<8xi32>) -> tensor<8x32x6xf32> {
  // CHECK: phlox.scatteradd %{{.*}}, %{{.*}}, 32 : tensor<8x6xf32>, tensor<8xi32> -> tensor<8x32x6xf32>
  %r = phlox.scatteradd %x, %i, 32
    : tensor<8x6xf32>, tensor<8xi32> -> tensor<8x32x6xf32>
  return %r : tensor<8x32x6xf32>
}

// -----

func.func @rank(%x: tensor<f32>, %i: tensor<8xi32>) {
  // expected-error @+2 {{[scatteradd_c1] index must not have a higher rank than x: got 8 for ()}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.scatteradd %x, %i, 2 : tensor<f32>, tensor<8xi32> -> tensor<2xf32>
  return
}

// -----

func.func @extents(%x: tensor<8xf32>, %i: tensor<7xi32>) {
  // expected-error @+2 {{[scatteradd_c2] x must begin with the index's extents: got 8 for 7}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.scatteradd %x, %i, 2 : tensor<8xf32>, tensor<7xi32> -> tensor<8x2xf32>
  return
}

// -----

func.func @count(%x: tensor<8xf32>, %i: tensor<8xi32>) {
  // expected-error @+2 {{[scatteradd_c3] count must be at least 1: got 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.scatteradd %x, %i, 0 : tensor<8xf32>, tensor<8xi32> -> tensor<8x0xf32>
  return
}
