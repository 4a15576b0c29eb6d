// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @repeat
func.func @repeat(%x: tensor<8x6xf32>) -> tensor<8x100x6xf32> {
  // CHECK: phlox.repeat %{{.*}}, 100 axis = 1 : tensor<8x6xf32> -> tensor<8x100x6xf32>
  %r = phlox.repeat %x, 100 axis = 1 : tensor<8x6xf32> -> tensor<8x100x6xf32>
  return %r : tensor<8x100x6xf32>
}

// -----

func.func @axis(%x: tensor<8xf32>) {
  // expected-error @+2 {{[repeat_c1] axis must be in [0, 2): got 2 for 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.repeat %x, 3 axis = 2 : tensor<8xf32> -> tensor<8x3xf32>
  return
}

// -----

func.func @count(%x: tensor<8xf32>) {
  // expected-error @+2 {{[repeat_c2] count must be at least 1: got 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.repeat %x, 0 axis = 1 : tensor<8xf32> -> tensor<8x0xf32>
  return
}
