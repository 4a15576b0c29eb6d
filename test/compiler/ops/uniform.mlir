// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @uniform
func.func @uniform(%k: tensor<2xi32>) -> tensor<256x6xf32> {
  // CHECK: phlox.uniform %{{.*}}, "train_step/path", [256, 6] : (tensor<2xi32>) -> tensor<256x6xf32>
  %r = phlox.uniform %k, "train_step/path", [256, 6]
    : (tensor<2xi32>) -> tensor<256x6xf32>
  return %r : tensor<256x6xf32>
}

// -----

func.func @key(%k: tensor<3xi32>) {
  // expected-error @+2 {{[uniform_c1] key must have shape 2: got 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.uniform %k, "a", [4] : (tensor<3xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @elements(%k: tensor<2xi32>) {
  // expected-error @+2 {{[uniform_c2] shape must hold fewer than 2^32 elements: got 65536x65536}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.uniform %k, "a", [65536, 65536] : (tensor<2xi32>) -> tensor<65536x65536xf32>
  return
}

// -----

func.func @negative(%k: tensor<2xi32>) {
  // expected-error @+2 {{[uniform_c2] shape must hold fewer than 2^32 elements: got -4}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.uniform %k, "a", [-4] : (tensor<2xi32>) -> tensor<4xf32>
  return
}
