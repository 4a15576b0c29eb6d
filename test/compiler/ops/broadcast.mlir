// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @broadcast
func.func @broadcast(%x: tensor<3x1xf32>) -> tensor<4x3x2xf32> {
  // CHECK: phlox.broadcast %{{.*}}, [4, 3, 2] : tensor<3x1xf32> -> tensor<4x3x2xf32>
  %r = phlox.broadcast %x, [4, 3, 2] : tensor<3x1xf32> -> tensor<4x3x2xf32>
  return %r : tensor<4x3x2xf32>
}

// -----

func.func @rank(%x: tensor<4x3xf32>) {
  // expected-error @+2 {{[broadcast_c1] shape must have rank 2 or more: got 3 for 4x3}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.broadcast %x, [3] : tensor<4x3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @extent(%x: tensor<3xf32>) {
  // expected-error @+2 {{[broadcast_c2] extents from the right must be 1 or equal: got 3 for 3x4}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.broadcast %x, [3, 4] : tensor<3xf32> -> tensor<3x4xf32>
  return
}
