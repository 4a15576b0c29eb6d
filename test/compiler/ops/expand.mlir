// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @expand
func.func @expand(%x: tensor<8x6xf32>) -> tensor<8x1x6xf32> {
  // CHECK: phlox.expand %{{.*}} axis = 1 : tensor<8x6xf32> -> tensor<8x1x6xf32>
  %r = phlox.expand %x axis = 1 : tensor<8x6xf32> -> tensor<8x1x6xf32>
  return %r : tensor<8x1x6xf32>
}

// -----

func.func @axis(%x: tensor<8xf32>) {
  // expected-error @+2 {{[expand_c1] axis must be in [0, 2): got -1 for 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.expand %x axis = -1 : tensor<8xf32> -> tensor<8x1xf32>
  return
}
