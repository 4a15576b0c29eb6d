// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @logdet
func.func @logdet(%j: tensor<256x6x6xf32>) -> tensor<256xf32> {
  // CHECK: phlox.logdet %{{.*}} : tensor<256x6x6xf32> -> tensor<256xf32>
  %r = phlox.logdet %j : tensor<256x6x6xf32> -> tensor<256xf32>
  return %r : tensor<256xf32>
}

// -----

func.func @square(%j: tensor<6x5xf32>) {
  // expected-error @+2 {{[logdet_c1] the last two axes must have one extent: got 6x5}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.logdet %j : tensor<6x5xf32> -> tensor<f32>
  return
}

// -----

func.func @rank(%j: tensor<6xf32>) {
  // expected-error @+2 {{[logdet_c1] the last two axes must have one extent: got 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.logdet %j : tensor<6xf32> -> tensor<f32>
  return
}

// -----

func.func @size(%j: tensor<33x33xf32>) {
  // expected-error @+2 {{[logdet_c2] matrices must be at most 32x32: got 33x33}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.logdet %j : tensor<33x33xf32> -> tensor<f32>
  return
}
