// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @concat
func.func @concat(%a: tensor<8x17xf32>, %b: tensor<8x6xf32>) -> tensor<8x23xf32> {
  // CHECK: phlox.concat %{{.*}}, %{{.*}} axis = 1 : (tensor<8x17xf32>, tensor<8x6xf32>) -> tensor<8x23xf32>
  %r = phlox.concat %a, %b axis = 1
    : (tensor<8x17xf32>, tensor<8x6xf32>) -> tensor<8x23xf32>
  return %r : tensor<8x23xf32>
}

// -----

func.func @none() {
  // expected-error @+2 {{[concat_c1] at least one operand is needed: got none}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.concat axis = 0 : () -> tensor<0xf32>
  return
}

// -----

func.func @axis(%a: tensor<8xf32>) {
  // expected-error @+2 {{[concat_c2] axis must be in [0, 1): got 1 for 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.concat %a axis = 1 : (tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @extents(%a: tensor<8x2xf32>, %b: tensor<7x2xf32>) {
  // expected-error @+2 {{[concat_c3] types must agree but for axis 1: got 'tensor<8x2xf32>' and 'tensor<7x2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.concat %a, %b axis = 1 : (tensor<8x2xf32>, tensor<7x2xf32>) -> tensor<8x4xf32>
  return
}

// -----

func.func @elements(%a: tensor<8xf32>, %b: tensor<8xi32>) {
  // expected-error @+2 {{[concat_c3] types must agree but for axis 0: got 'tensor<8xf32>' and 'tensor<8xi32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.concat %a, %b axis = 0 : (tensor<8xf32>, tensor<8xi32>) -> tensor<16xf32>
  return
}
