// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @reduce
func.func @reduce(%x: tensor<256x6xf32>) -> tensor<6xf32> {
  // CHECK: phlox.reduce mean, %{{.*}}, [0] : tensor<256x6xf32> -> tensor<6xf32>
  %r = phlox.reduce mean, %x, [0] : tensor<256x6xf32> -> tensor<6xf32>
  return %r : tensor<6xf32>
}

// -----

func.func @axis(%x: tensor<6xf32>) {
  // expected-error @+2 {{[reduce_c1] axis must be in [0, 1): got 1 for 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.reduce sum, %x, [1] : tensor<6xf32> -> tensor<f32>
  return
}

// -----

func.func @twice(%x: tensor<6x2xf32>) {
  // expected-error @+2 {{[reduce_c1] axes must be distinct: got 0 twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.reduce max, %x, [0, 0] : tensor<6x2xf32> -> tensor<2xf32>
  return
}
