// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @argmax
func.func @argmax(%q: tensor<8x32xf32>) -> tensor<8xi32> {
  // CHECK: phlox.argmax %{{.*}} axis = 1 : tensor<8x32xf32> -> tensor<8xi32>
  %r = phlox.argmax %q axis = 1 : tensor<8x32xf32> -> tensor<8xi32>
  return %r : tensor<8xi32>
}

// -----

func.func @axis(%q: tensor<8xf32>) {
  // expected-error @+2 {{[argmax_c1] axis must be in [0, 1): got 1 for 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.argmax %q axis = 1 : tensor<8xf32> -> tensor<i32>
  return
}
