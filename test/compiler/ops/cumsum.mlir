// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @cumsum
func.func @cumsum(%x: tensor<8x32xf32>) -> tensor<8x32xf32> {
  // CHECK: phlox.cumsum %{{.*}} axis = 1 reverse true : tensor<8x32xf32> -> tensor<8x32xf32>
  %r = phlox.cumsum %x axis = 1 reverse true : tensor<8x32xf32> -> tensor<8x32xf32>
  return %r : tensor<8x32xf32>
}

// -----

func.func @axis(%x: tensor<8xf32>) {
  // expected-error @+2 {{[cumsum_c1] axis must be in [0, 1): got 1 for 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.cumsum %x axis = 1 : tensor<8xf32> -> tensor<8xf32>
  return
}
