// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @transpose
func.func @transpose(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  // CHECK: phlox.transpose %{{.*}}, [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %r = phlox.transpose %x, [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  return %r : tensor<3x2xf32>
}

// -----

func.func @twice(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{[transpose_c1] permutation must hold 0 to rank - 1 once each: got [1, 1] for 2x3}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.transpose %x, [1, 1] : tensor<2x3xf32> -> tensor<3x3xf32>
  return
}

// -----

func.func @missing(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{[transpose_c1] permutation must hold 0 to rank - 1 once each: got [0] for 2x3}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.transpose %x, [0] : tensor<2x3xf32> -> tensor<2xf32>
  return
}
