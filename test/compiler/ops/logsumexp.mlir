// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @logsumexp
func.func @logsumexp(%q: tensor<256x100xf32>) -> tensor<256xf32> {
  // CHECK: phlox.logsumexp %{{.*}} axis = 1 : tensor<256x100xf32> -> tensor<256xf32>
  %r = phlox.logsumexp %q axis = 1 : tensor<256x100xf32> -> tensor<256xf32>
  return %r : tensor<256xf32>
}

// -----

func.func @axis(%q: tensor<256x100xf32>) {
  // expected-error @+2 {{[logsumexp_c1] axis must be in [0, 2): got 3 for 256x100}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.logsumexp %q axis = 3 : tensor<256x100xf32> -> tensor<256xf32>
  return
}

// -----

func.func @scalar(%q: tensor<f32>) {
  // expected-error @+2 {{[logsumexp_c1] axis must be in [0, 0): got 0 for ()}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.logsumexp %q axis = 0 : tensor<f32> -> tensor<f32>
  return
}
