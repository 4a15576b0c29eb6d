// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @matmul
func.func @matmul(%x: tensor<256x17xf32>, %w: tensor<17x64xf32>) -> tensor<256x64xf32> {
  // CHECK: phlox.matmul %{{.*}}, %{{.*}} : tensor<256x17xf32>, tensor<17x64xf32> -> tensor<256x64xf32>
  %r = phlox.matmul %x, %w
    : tensor<256x17xf32>, tensor<17x64xf32> -> tensor<256x64xf32>
  return %r : tensor<256x64xf32>
}

// CHECK-LABEL: @batched
func.func @batched(%x: tensor<2x5x3xf32>, %w: tensor<2x3x4xf32>) -> tensor<2x5x4xf32> {
  // CHECK: phlox.matmul
  %r = phlox.matmul %x, %w
    : tensor<2x5x3xf32>, tensor<2x3x4xf32> -> tensor<2x5x4xf32>
  return %r : tensor<2x5x4xf32>
}

// -----

func.func @rank(%x: tensor<17xf32>, %w: tensor<17x64xf32>) {
  // expected-error @+2 {{[matmul_c1] operands must have one rank, 2 or more: lhs 17, rhs 17x64}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.matmul %x, %w : tensor<17xf32>, tensor<17x64xf32> -> tensor<64xf32>
  return
}

// -----

func.func @contraction(%x: tensor<256x17xf32>, %w: tensor<23x256xf32>) {
  // expected-error @+2 {{[matmul_c2] contracting dims differ: lhs 256x17, rhs 23x256}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.matmul %x, %w : tensor<256x17xf32>, tensor<23x256xf32> -> tensor<256x256xf32>
  return
}

// -----

func.func @batch(%x: tensor<2x5x3xf32>, %w: tensor<4x3x5xf32>) {
  // expected-error @+2 {{[matmul_c2] batch dims differ: lhs 2x5x3, rhs 4x3x5}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.matmul %x, %w : tensor<2x5x3xf32>, tensor<4x3x5xf32> -> tensor<2x5x5xf32>
  return
}
