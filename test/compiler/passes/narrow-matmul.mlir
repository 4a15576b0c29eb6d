// RUN: phlox-opt --phlox-narrow-matmul %s | FileCheck %s

// the gradient that reaches an action
// CHECK-LABEL: @columns
func.func @columns(%x: tensor<8x64xf32>, %w: tensor<64x23xf32>) -> tensor<8x6xf32> {
  // CHECK: %[[W:.*]] = phlox.slice %arg1, [0, 17], [64, 6]
  // CHECK: phlox.matmul %arg0, %[[W]] : tensor<8x64xf32>, tensor<64x6xf32>
  %y = phlox.matmul %x, %w : tensor<8x64xf32>, tensor<64x23xf32> -> tensor<8x23xf32>
  %z = phlox.slice %y, [0, 17], [8, 6] : tensor<8x23xf32> -> tensor<8x6xf32>
  return %z : tensor<8x6xf32>
}

// CHECK-LABEL: @rows
func.func @rows(%x: tensor<8x9x64xf32>, %w: tensor<8x64x23xf32>) -> tensor<2x3x23xf32> {
  // CHECK-DAG: %[[X:.*]] = phlox.slice %arg0, [1, 4, 0], [2, 3, 64]
  // CHECK-DAG: %[[W:.*]] = phlox.slice %arg1, [1, 0, 0], [2, 64, 23]
  // CHECK: phlox.matmul %[[X]], %[[W]]
  %y = phlox.matmul %x, %w : tensor<8x9x64xf32>, tensor<8x64x23xf32> -> tensor<8x9x23xf32>
  %z = phlox.slice %y, [1, 4, 0], [2, 3, 23] : tensor<8x9x23xf32> -> tensor<2x3x23xf32>
  return %z : tensor<2x3x23xf32>
}

// CHECK-LABEL: @reshaped
func.func @reshaped(%x: tensor<8x64xf32>, %w: tensor<64x23xf32>) -> tensor<2x4x6xf32> {
  // CHECK: %[[Y:.*]] = phlox.matmul %arg0, %{{.*}} : tensor<8x64xf32>, tensor<64x6xf32>
  // CHECK: phlox.reshape %[[Y]], [2, 4, 6]
  %y = phlox.matmul %x, %w : tensor<8x64xf32>, tensor<64x23xf32> -> tensor<8x23xf32>
  %r = phlox.reshape %y, [2, 4, 23] : tensor<8x23xf32> -> tensor<2x4x23xf32>
  %z = phlox.slice %r, [0, 0, 17], [2, 4, 6] : tensor<2x4x23xf32> -> tensor<2x4x6xf32>
  return %z : tensor<2x4x6xf32>
}

// CHECK-LABEL: @refused
func.func @refused(%x: tensor<8x64xf32>, %w: tensor<64x23xf32>)
    -> (tensor<8x6xf32>, tensor<8x23xf32>, tensor<1x4x23xf32>) {
  // all of it is read
  // CHECK: phlox.matmul %{{.*}} -> tensor<8x23xf32>
  %y = phlox.matmul %x, %w : tensor<8x64xf32>, tensor<64x23xf32> -> tensor<8x23xf32>
  %z = phlox.slice %y, [0, 17], [8, 6] : tensor<8x23xf32> -> tensor<8x6xf32>
  // axes that the product does not have
  // CHECK: phlox.matmul %{{.*}} -> tensor<8x23xf32>
  // CHECK: phlox.slice %{{.*}} : tensor<2x4x23xf32>
  %e = phlox.exp %x : tensor<8x64xf32>
  %p = phlox.matmul %e, %w : tensor<8x64xf32>, tensor<64x23xf32> -> tensor<8x23xf32>
  %r = phlox.reshape %p, [2, 4, 23] : tensor<8x23xf32> -> tensor<2x4x23xf32>
  %q = phlox.slice %r, [1, 0, 0], [1, 4, 23] : tensor<2x4x23xf32> -> tensor<1x4x23xf32>
  return %z, %y, %q : tensor<8x6xf32>, tensor<8x23xf32>, tensor<1x4x23xf32>
}
