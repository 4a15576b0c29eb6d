// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @randomkey
func.func @randomkey(%s: tensor<i64>, %n: tensor<i64>) -> tensor<2xi32> {
  // CHECK: phlox.randomkey %{{.*}}, %{{.*}} : (tensor<i64>, tensor<i64>) -> tensor<2xi32>
  %r = phlox.randomkey %s, %n : (tensor<i64>, tensor<i64>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// -----

func.func @rank(%s: tensor<1xi64>, %n: tensor<i64>) {
  // expected-error @+2 {{[randomkey_c1] seed and step must have rank 0: got 1 and ()}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = phlox.randomkey %s, %n : (tensor<1xi64>, tensor<i64>) -> tensor<2xi32>
  return
}
