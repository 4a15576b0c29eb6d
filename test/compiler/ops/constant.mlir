// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @constant
func.func @constant() -> tensor<2xf32> {
  // CHECK: phlox.constant dense<[5.000000e-01, -2.000000e+00]> : tensor<2xf32>
  %r = phlox.constant dense<[0.5, -2.0]> : tensor<2xf32>
  return %r : tensor<2xf32>
}

// -----

func.func @elements() {
  // expected-error @+1 {{value must list its elements: got}}
  %c = phlox.constant sparse<[[0]], [1.0]> : tensor<2xf32>
  return
}
