// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s
// stopgradient_c1 is a trait's: x and result have one type.

// CHECK-LABEL: @stopgradient
func.func @stopgradient(%x: tensor<256xf32>) -> tensor<256xf32> {
  // CHECK: phlox.stopgradient %{{.*}} : tensor<256xf32>
  %r = phlox.stopgradient %x : tensor<256xf32>
  return %r : tensor<256xf32>
}

// -----

func.func @types(%x: tensor<8xf32>) {
  // expected-error @+1 {{requires the same type for all operands and results}}
  %r = "phlox.stopgradient"(%x) : (tensor<8xf32>) -> tensor<9xf32>
  return
}
