// RUN: phlox-opt --phlox-move-reshapes %s | FileCheck %s

// what a network does between two products of many rows
// CHECK-LABEL: @layer
func.func @layer(%h: tensor<12x4xf32>, %w: tensor<4x5xf32>, %v: tensor<5x2xf32>)
    -> tensor<12x2xf32> {
  // CHECK-NEXT: %[[Y:.*]] = phlox.matmul
  // CHECK-NEXT: %[[A:.*]] = phlox.mish %[[Y]] : tensor<12x5xf32>
  // CHECK-NEXT: phlox.matmul %[[A]]
  // CHECK-NEXT: return
  %y = phlox.matmul %h, %w : tensor<12x4xf32>, tensor<4x5xf32> -> tensor<12x5xf32>
  %a = phlox.reshape %y, [3, 4, 5] : tensor<12x5xf32> -> tensor<3x4x5xf32>
  %b = phlox.mish %a : tensor<3x4x5xf32>
  %c = phlox.reshape %b, [12, 5] : tensor<3x4x5xf32> -> tensor<12x5xf32>
  %d = phlox.matmul %c, %v : tensor<12x5xf32>, tensor<5x2xf32> -> tensor<12x2xf32>
  return %d : tensor<12x2xf32>
}

// one number in all elements takes any shape
// CHECK-LABEL: @uniform
func.func @uniform(%x: tensor<6xf32>, %s: tensor<f32>) -> tensor<2x3xi1> {
  // CHECK-DAG: %[[ONE:.*]] = phlox.constant dense<1.000000e+00> : tensor<6xf32>
  // CHECK-DAG: %[[E:.*]] = phlox.exp %{{.*}} : tensor<6xf32>
  // CHECK: %[[S:.*]] = phlox.broadcast %{{.*}}, [6] : tensor<f32> -> tensor<6xf32>
  // CHECK: %[[D:.*]] = phlox.div %[[E]], %[[S]] : tensor<6xf32>
  // CHECK: %[[L:.*]] = phlox.compare lt, %[[D]], %[[ONE]] : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xi1>
  // CHECK: phlox.reshape %[[L]], [2, 3] : tensor<6xi1> -> tensor<2x3xi1>
  %one = phlox.constant dense<1.0> : tensor<2x3xf32>
  %e = phlox.exp %x : tensor<6xf32>
  %a = phlox.reshape %e, [2, 3] : tensor<6xf32> -> tensor<2x3xf32>
  %b = phlox.broadcast %s, [2, 3] : tensor<f32> -> tensor<2x3xf32>
  %c = phlox.div %a, %b : tensor<2x3xf32>
  %d = phlox.compare lt, %c, %one
      : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  return %d : tensor<2x3xi1>
}

// several tangents of one point: its derivative is read once for each of them,
// a bias once for each row
// CHECK-LABEL: @tangents
func.func @tangents(%t: tensor<12x4xf32>, %w: tensor<4x5xf32>,
                    %slope: tensor<3x5xf32>, %bias: tensor<5xf32>)
    -> tensor<12x5xf32> {
  // CHECK-NEXT: %[[Y:.*]] = phlox.matmul
  // CHECK-NEXT: %[[S:.*]] = phlox.stretch %{{.*}}, 4 axis = 0 : tensor<3x5xf32> -> tensor<12x5xf32>
  // CHECK-NEXT: %[[M:.*]] = phlox.mul %[[Y]], %[[S]] : tensor<12x5xf32>
  // CHECK: %[[B:.*]] = phlox.broadcast %{{.*}}, [12, 5] : tensor<1x5xf32> -> tensor<12x5xf32>
  // CHECK-NEXT: %[[N:.*]] = phlox.add %[[M]], %[[B]] : tensor<12x5xf32>
  // CHECK-NEXT: return %[[N]]
  %y = phlox.matmul %t, %w : tensor<12x4xf32>, tensor<4x5xf32> -> tensor<12x5xf32>
  %a = phlox.reshape %y, [3, 4, 5] : tensor<12x5xf32> -> tensor<3x4x5xf32>
  %e = phlox.reshape %slope, [3, 1, 5] : tensor<3x5xf32> -> tensor<3x1x5xf32>
  %s = phlox.broadcast %e, [3, 4, 5] : tensor<3x1x5xf32> -> tensor<3x4x5xf32>
  %m = phlox.mul %a, %s : tensor<3x4x5xf32>
  %b = phlox.broadcast %bias, [3, 4, 5] : tensor<5xf32> -> tensor<3x4x5xf32>
  %n = phlox.add %m, %b : tensor<3x4x5xf32>
  %c = phlox.reshape %n, [12, 5] : tensor<3x4x5xf32> -> tensor<12x5xf32>
  return %c : tensor<12x5xf32>
}

// copies of a whole that follow each other, and an axis that was split
// CHECK-LABEL: @layouts
func.func @layouts(%x: tensor<12x5xf32>, %d: tensor<4x5xf32>, %r: tensor<4xf32>)
    -> (tensor<3x4x5xf32>, tensor<15x4xf32>) {
  // CHECK: phlox.mul %{{.*}}, %{{.*}} : tensor<3x4x5xf32>
  // CHECK: phlox.mul %{{.*}}, %{{.*}} : tensor<15x4xf32>
  %e = phlox.exp %x : tensor<12x5xf32>
  %a = phlox.reshape %e, [3, 4, 5] : tensor<12x5xf32> -> tensor<3x4x5xf32>
  %s = phlox.broadcast %d, [3, 4, 5] : tensor<4x5xf32> -> tensor<3x4x5xf32>
  %m = phlox.mul %a, %s : tensor<3x4x5xf32>
  %f = phlox.reshape %e, [15, 4] : tensor<12x5xf32> -> tensor<15x4xf32>
  %t = phlox.broadcast %r, [15, 4] : tensor<4xf32> -> tensor<15x4xf32>
  %n = phlox.mul %f, %t : tensor<15x4xf32>
  return %m, %n : tensor<3x4x5xf32>, tensor<15x4xf32>
}

// CHECK-LABEL: @stays
func.func @stays(%x: tensor<6xf32>, %z: tensor<2x3xf32>)
    -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  // another operand has its own layout
  // CHECK: %[[A:.*]] = phlox.reshape %{{.*}}, [2, 3]
  // CHECK: phlox.add %[[A]], %{{.*}} : tensor<2x3xf32>
  %e = phlox.exp %x : tensor<6xf32>
  %a = phlox.reshape %e, [2, 3] : tensor<6xf32> -> tensor<2x3xf32>
  %b = phlox.add %a, %z : tensor<2x3xf32>
  // an argument lies in memory under any shape
  // CHECK: %[[C:.*]] = phlox.reshape %{{.*}}, [2, 3]
  // CHECK: phlox.exp %[[C]] : tensor<2x3xf32>
  %c = phlox.reshape %x, [2, 3] : tensor<6xf32> -> tensor<2x3xf32>
  %d = phlox.exp %c : tensor<2x3xf32>
  return %b, %d : tensor<2x3xf32>, tensor<2x3xf32>
}
