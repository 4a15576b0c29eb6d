// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @softmax
func.func @softmax(%q: tensor<256x100xf32>) -> tensor<256x100xf32> {
  // CHECK: phlox.softmax %{{.*}} axis = 1 : tensor<256x100xf32> -> tensor<256x100xf32>
  %r = phlox.softmax %q axis = 1 : tensor<256x100xf32> -> tensor<256x100xf32>
  return %r : tensor<256x100xf32>
}

// -----

func.func @axis(%q: tensor<256x100xf32>) {
  // expected-error @+2 {{[softmax_c1] axis must be in [0, 2): got 3 for 256x100}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.softmax %q axis = 3 : tensor<256x100xf32> -> tensor<256x100xf32>
  return
}

// -----

func.func @scalar(%q: tensor<f32>) {
  // expected-error @+2 {{[softmax_c1] axis must be in [0, 0): got 0 for ()}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.softmax %q axis = 0 : tensor<f32> -> tensor<f32>
  return
}
