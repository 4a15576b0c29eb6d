// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @iota
func.func @iota() -> tensor<2x3xf32> {
  // CHECK: phlox.iota axis = 1 : tensor<2x3xf32>
  %r = phlox.iota axis = 1 : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// -----

func.func @above() {
  // expected-error @+1 {{[iota_c1] axis must be in [0, 2): got 2 for 2x3}}
  %r = phlox.iota axis = 2 : tensor<2x3xf32>
  return
}

// -----

func.func @scalar() {
  // expected-error @+1 {{[iota_c1] axis must be in [0, 0): got 0 for ()}}
  %r = phlox.iota axis = 0 : tensor<f32>
  return
}
