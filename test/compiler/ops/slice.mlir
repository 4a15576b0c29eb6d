// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @slice
func.func @slice(%x: tensor<4x6xf32>) -> tensor<4x3xf32> {
  // CHECK: phlox.slice %{{.*}}, [0, 2], [4, 3] : tensor<4x6xf32> -> tensor<4x3xf32>
  %r = phlox.slice %x, [0, 2], [4, 3] : tensor<4x6xf32> -> tensor<4x3xf32>
  return %r : tensor<4x3xf32>
}

// -----

func.func @entries(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{[slice_c1] start and size must have 2 entries for 4x6: got 1 and 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.slice %x, [0], [4, 3] : tensor<4x6xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @beyond(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{[slice_c2] the slice must lie inside axis 1 of 4x6: got start 4, size 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.slice %x, [0, 4], [4, 3] : tensor<4x6xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @before(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{[slice_c2] the slice must lie inside axis 0 of 4x6: got start -1, size 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.slice %x, [-1, 0], [4, 3] : tensor<4x6xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @empty(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{[slice_c2] the slice must lie inside axis 0 of 4x6: got start 0, size 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.slice %x, [0, 0], [0, 3] : tensor<4x6xf32> -> tensor<0x3xf32>
  return
}
