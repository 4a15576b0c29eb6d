// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @pad
func.func @pad(%x: tensor<4x3xf32>) -> tensor<4x6xf32> {
  // CHECK: phlox.pad %{{.*}}, [0, 2], [0, 1] : tensor<4x3xf32> -> tensor<4x6xf32>
  %r = phlox.pad %x, [0, 2], [0, 1] : tensor<4x3xf32> -> tensor<4x6xf32>
  return %r : tensor<4x6xf32>
}

// -----

func.func @entries(%x: tensor<4x3xf32>) {
  // expected-error @+2 {{[pad_c1] low and high must have 2 entries for 4x3: got 2 and 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.pad %x, [0, 2], [1] : tensor<4x3xf32> -> tensor<4x6xf32>
  return
}

// -----

func.func @negative(%x: tensor<4xf32>) {
  // expected-error @+2 {{[pad_c2] widths must be at least 0: got -1 and 1 for axis 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.pad %x, [-1], [1] : tensor<4xf32> -> tensor<4xf32>
  return
}
