// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @reshape
func.func @reshape(%x: tensor<24xf32>) -> tensor<6x4xf32> {
  // CHECK: phlox.reshape %{{.*}}, [6, 4] : tensor<24xf32> -> tensor<6x4xf32>
  %r = phlox.reshape %x, [6, 4] : tensor<24xf32> -> tensor<6x4xf32>
  return %r : tensor<6x4xf32>
}

// -----

func.func @elements(%x: tensor<24xf32>) {
  // expected-error @+2 {{[reshape_c1] shape must hold the 24 elements of 24: got 6x5}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.reshape %x, [6, 5] : tensor<24xf32> -> tensor<6x5xf32>
  return
}

// -----

func.func @negative(%x: tensor<24xf32>) {
  // expected-error @+2 {{[reshape_c1] shape must hold the 24 elements of 24: got -6x-4}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.reshape %x, [-6, -4] : tensor<24xf32> -> tensor<6x4xf32>
  return
}

// -----

func.func @result(%x: tensor<24xf32>) {
  // expected-error @+2 {{inferred type(s) 'tensor<6x4xf32>' are incompatible with return type(s) of operation 'tensor<4x6xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.reshape %x, [6, 4] : tensor<24xf32> -> tensor<4x6xf32>
  return
}
