// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @cholesky
func.func @cholesky(%s: tensor<256x6x6xf32>) -> tensor<256x6x6xf32> {
  // CHECK: phlox.cholesky %{{.*}} : tensor<256x6x6xf32> -> tensor<256x6x6xf32>
  %r = phlox.cholesky %s : tensor<256x6x6xf32> -> tensor<256x6x6xf32>
  return %r : tensor<256x6x6xf32>
}

// -----

func.func @square(%s: tensor<6x5xf32>) {
  // expected-error @+2 {{[cholesky_c1] the last two axes must have one extent: got 6x5}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.cholesky %s : tensor<6x5xf32> -> tensor<f32>
  return
}

// -----

func.func @rank(%s: tensor<6xf32>) {
  // expected-error @+2 {{[cholesky_c1] the last two axes must have one extent: got 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.cholesky %s : tensor<6xf32> -> tensor<f32>
  return
}

// -----

func.func @size(%s: tensor<33x33xf32>) {
  // expected-error @+2 {{[cholesky_c2] matrices must be at most 32x32: got 33x33}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.cholesky %s : tensor<33x33xf32> -> tensor<33x33xf32>
  return
}
