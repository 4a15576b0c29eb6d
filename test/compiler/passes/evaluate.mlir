// RUN: phlox-opt --phlox-evaluate %s | FileCheck %s

// CHECK-LABEL: @constants
// CHECK-NEXT: phlox.constant dense<[2.500000e+00, 4.000000e+00]>
// CHECK-NEXT: phlox.constant dense<true>
// CHECK-NEXT: return
func.func @constants() -> (tensor<2xf32>, tensor<i1>) {
  %x = phlox.constant dense<[1.0, 2.5]> : tensor<2xf32>
  %y = phlox.constant dense<1.5> : tensor<2xf32>
  %z = phlox.add %x, %y : tensor<2xf32>
  %n = phlox.constant dense<7> : tensor<i64>
  %m = phlox.compare eq, %n, %n : (tensor<i64>, tensor<i64>) -> tensor<i1>
  return %z, %m : tensor<2xf32>, tensor<i1>
}

// arguments are not known: it stays
// CHECK-LABEL: @open
// CHECK-NEXT: phlox.exp
func.func @open(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = phlox.exp %x : tensor<2xf32>
  return %y : tensor<2xf32>
}
