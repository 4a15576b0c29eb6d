// RUN: phlox-opt --phlox-hoist-repeat --canonicalize %s | FileCheck %s

// CHECK-LABEL: @elementwise
func.func @elementwise(%x: tensor<8x64xf32>, %s: tensor<f32>) -> tensor<8x100x64xf32> {
  // CHECK: %[[S:.*]] = phlox.broadcast %{{.*}}, [8, 64] : tensor<f32>
  // CHECK: %[[M:.*]] = phlox.mul %arg0, %[[S]] : tensor<8x64xf32>
  // CHECK: %[[E:.*]] = phlox.mish %[[M]] : tensor<8x64xf32>
  // CHECK: %[[A:.*]] = phlox.reshape %[[E]], [8, 1, 64]
  // CHECK: %[[R:.*]] = phlox.broadcast %[[A]], [8, 100, 64]
  // CHECK: return %[[R]]
  %r = phlox.repeat %x, 100 axis = 1 : tensor<8x64xf32> -> tensor<8x100x64xf32>
  %b = phlox.broadcast %s, [8, 100, 64] : tensor<f32> -> tensor<8x100x64xf32>
  %m = phlox.mul %r, %b : tensor<8x100x64xf32>
  %e = phlox.mish %m : tensor<8x100x64xf32>
  return %e : tensor<8x100x64xf32>
}

// rows of a matrix product, seen through a reshape
// CHECK-LABEL: @rows
func.func @rows(%x: tensor<8x32xf32>, %w: tensor<32x64xf32>) -> tensor<800x64xf32> {
  // CHECK: %[[Y:.*]] = phlox.matmul %arg0, %arg1 : tensor<8x32xf32>
  // CHECK: phlox.stretch %[[Y]], 100 axis = 0 : tensor<8x64xf32> -> tensor<800x64xf32>
  %r = phlox.repeat %x, 100 axis = 1 : tensor<8x32xf32> -> tensor<8x100x32xf32>
  %f = phlox.reshape %r, [800, 32] : tensor<8x100x32xf32> -> tensor<800x32xf32>
  %y = phlox.matmul %f, %w : tensor<800x32xf32>, tensor<32x64xf32> -> tensor<800x64xf32>
  return %y : tensor<800x64xf32>
}

// the gradient of a weight that repeated rows met: a sum over the copies first
// CHECK-LABEL: @gradient
func.func @gradient(%x: tensor<8x32xf32>, %dy: tensor<800x64xf32>) -> tensor<32x64xf32> {
  // CHECK-DAG: %[[T:.*]] = phlox.transpose %arg0, [1, 0]
  // CHECK-DAG: %[[A:.*]] = phlox.reshape %arg1, [8, 100, 64]
  // CHECK: %[[S:.*]] = phlox.reduce sum, %[[A]], [1]
  // CHECK: phlox.matmul %[[T]], %[[S]] : tensor<32x8xf32>, tensor<8x64xf32>
  %r = phlox.stretch %x, 100 axis = 0 : tensor<8x32xf32> -> tensor<800x32xf32>
  %t = phlox.transpose %r, [1, 0] : tensor<800x32xf32> -> tensor<32x800xf32>
  %dw = phlox.matmul %t, %dy : tensor<32x800xf32>, tensor<800x64xf32> -> tensor<32x64xf32>
  return %dw : tensor<32x64xf32>
}

// a sum over copies counts them, a maximum does not care
// CHECK-LABEL: @reductions
func.func @reductions(%x: tensor<8x64xf32>) -> (tensor<8x64xf32>, tensor<8xf32>) {
  // CHECK-DAG: phlox.constant dense<1.000000e+02>
  // CHECK-DAG: %[[M:.*]] = phlox.reduce max, %arg0, [1] : tensor<8x64xf32>
  // CHECK-DAG: %[[S:.*]] = phlox.mul %arg0
  // CHECK: return %[[S]], %[[M]]
  %r = phlox.repeat %x, 100 axis = 1 : tensor<8x64xf32> -> tensor<8x100x64xf32>
  %s = phlox.reduce sum, %r, [1] : tensor<8x100x64xf32> -> tensor<8x64xf32>
  %m = phlox.reduce max, %r, [1, 2] : tensor<8x100x64xf32> -> tensor<8xf32>
  return %s, %m : tensor<8x64xf32>, tensor<8xf32>
}

// CHECK-LABEL: @concat
func.func @concat(%x: tensor<8x32xf32>, %y: tensor<32xf32>) -> tensor<8x100x64xf32> {
  // CHECK: %[[Y:.*]] = phlox.broadcast %{{.*}}, [8, 32]
  // CHECK: phlox.concat %arg0, %[[Y]] axis = 1 : (tensor<8x32xf32>, tensor<8x32xf32>) -> tensor<8x64xf32>
  %r = phlox.repeat %x, 100 axis = 1 : tensor<8x32xf32> -> tensor<8x100x32xf32>
  %b = phlox.broadcast %y, [8, 100, 32] : tensor<32xf32> -> tensor<8x100x32xf32>
  %c = phlox.concat %r, %b axis = 2 : (tensor<8x100x32xf32>, tensor<8x100x32xf32>) -> tensor<8x100x64xf32>
  return %c : tensor<8x100x64xf32>
}

// CHECK-LABEL: @refused
func.func @refused(%x: tensor<8x64xf32>, %z: tensor<8x100x64xf32>,
                   %k: tensor<2xi32>, %w: tensor<64x8xf32>, %v: tensor<800x8xf32>)
    -> (tensor<8x100x64xf32>, tensor<8x100x64xf32>, tensor<8x10xf32>, tensor<8x8xf32>) {
  %r = phlox.repeat %x, 100 axis = 1 : tensor<8x64xf32> -> tensor<8x100x64xf32>
  // another operand has numbers of its own for every copy
  // CHECK: phlox.add %{{.*}}, %arg1 : tensor<8x100x64xf32>
  %a = phlox.add %r, %z : tensor<8x100x64xf32>
  // no two draws are alike, whatever the bounds
  // CHECK: phlox.truncnormal %{{.*}} -> tensor<8x100x64xf32>
  %n = phlox.truncnormal %k, %r, %r, "noise"
      : (tensor<2xi32>, tensor<8x100x64xf32>, tensor<8x100x64xf32>) -> tensor<8x100x64xf32>
  // too little to pay for a kernel
  // CHECK: phlox.exp %{{.*}} : tensor<8x10xf32>
  %p = phlox.slice %x, [0, 0], [8, 1] : tensor<8x64xf32> -> tensor<8x1xf32>
  %q = phlox.broadcast %p, [8, 10] : tensor<8x1xf32> -> tensor<8x10xf32>
  %e = phlox.exp %q : tensor<8x10xf32>
  // copies within what is contracted, against rows that are no copies: summed
  // only where that saves work
  // CHECK: phlox.matmul %{{.*}} : tensor<8x64xf32>, tensor<64x8xf32> -> tensor<8x8xf32>
  %y = phlox.matmul %x, %w : tensor<8x64xf32>, tensor<64x8xf32> -> tensor<8x8xf32>
  return %a, %n, %e, %y : tensor<8x100x64xf32>, tensor<8x100x64xf32>, tensor<8x10xf32>, tensor<8x8xf32>
}
