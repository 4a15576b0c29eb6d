// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @layernorm
func.func @layernorm(%x: tensor<8x256xf32>) -> tensor<8x256xf32> {
  // CHECK: phlox.layernorm %{{.*}} epsilon = 1.000000e-05 : tensor<8x256xf32> -> tensor<8x256xf32>
  %r = phlox.layernorm %x epsilon = 1.0e-5 : tensor<8x256xf32> -> tensor<8x256xf32>
  return %r : tensor<8x256xf32>
}

// -----

func.func @scalar(%x: tensor<f32>) {
  // expected-error @+2 {{[layernorm_c1] x must have rank 1 or more: got a scalar}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.layernorm %x epsilon = 1.0e-5 : tensor<f32> -> tensor<f32>
  return
}

// -----

func.func @epsilon(%x: tensor<8xf32>) {
  // expected-error @+2 {{[layernorm_c2] epsilon must be above 0: got 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.layernorm %x epsilon = 0.0 : tensor<8xf32> -> tensor<8xf32>
  return
}
