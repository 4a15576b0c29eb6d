// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @truncnormal
func.func @truncnormal(%k: tensor<2xi32>, %a: tensor<8x6xf32>, %b: tensor<8x6xf32>) -> tensor<8x6xf32> {
  // CHECK: phlox.truncnormal %{{.*}}, %{{.*}}, %{{.*}}, "train_step/proposal" : (tensor<2xi32>, tensor<8x6xf32>, tensor<8x6xf32>) -> tensor<8x6xf32>
  %r = phlox.truncnormal %k, %a, %b, "train_step/proposal"
    : (tensor<2xi32>, tensor<8x6xf32>, tensor<8x6xf32>) -> tensor<8x6xf32>
  return %r : tensor<8x6xf32>
}

// -----

func.func @key(%k: tensor<i32>, %a: tensor<8xf32>) {
  // expected-error @+2 {{[truncnormal_c1] key must have shape 2: got ()}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.truncnormal %k, %a, %a, "a" : (tensor<i32>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @bounds(%k: tensor<2xi32>, %a: tensor<8xf32>, %b: tensor<8x1xf32>) {
  // expected-error @+2 {{[truncnormal_c2] lower and upper must have one shape: got 8 and 8x1}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.truncnormal %k, %a, %b, "a" : (tensor<2xi32>, tensor<8xf32>, tensor<8x1xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @elements(%k: tensor<2xi32>, %a: tensor<65536x65536xf32>) {
  // expected-error @+2 {{[truncnormal_c3] shape must hold fewer than 2^32 elements: got 65536x65536}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.truncnormal %k, %a, %a, "a" : (tensor<2xi32>, tensor<65536x65536xf32>, tensor<65536x65536xf32>) -> tensor<65536x65536xf32>
  return
}
