// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @stretch
func.func @stretch(%x: tensor<8x6xf32>) -> tensor<800x6xf32> {
  // CHECK: phlox.stretch %{{.*}}, 100 axis = 0 : tensor<8x6xf32> -> tensor<800x6xf32>
  %y = phlox.stretch %x, 100 axis = 0 : tensor<8x6xf32> -> tensor<800x6xf32>
  return %y : tensor<800x6xf32>
}

// -----

func.func @axis(%x: tensor<8xf32>) {
  // expected-error @+2 {{[stretch_c1] axis must be in [0, 1): got 1 for 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = phlox.stretch %x, 3 axis = 1 : tensor<8xf32> -> tensor<24xf32>
  return
}

// -----

func.func @count(%x: tensor<8xf32>) {
  // expected-error @+2 {{[stretch_c2] count must be at least 1 and keep the extent below 2^63: got 0 for 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = phlox.stretch %x, 0 axis = 0 : tensor<8xf32> -> tensor<0xf32>
  return
}
