// RUN: phlox-opt --phlox-hoist-sum --canonicalize --cse %s | FileCheck %s

// a weighted mean of K derivatives of a layer: one derivative along the mean
// CHECK-LABEL: @derivatives
func.func @derivatives(%d: tensor<8x16x6xf32>, %w: tensor<8x16xf32>, %slope: tensor<8x64xf32>,
                       %a: tensor<6x64xf32>, %b: tensor<64x6xf32>) -> tensor<8x6xf32> {
  // CHECK: %[[M:.*]] = phlox.reduce sum, %{{.*}} : tensor<8x16x6xf32> -> tensor<8x6xf32>
  // CHECK-NOT: tensor<128x
  // CHECK: phlox.matmul %{{.*}}, %arg3 : tensor<8x6xf32>
  // CHECK: phlox.mul %{{.*}} : tensor<{{.*}}512xf32>
  // CHECK: phlox.matmul %{{.*}}, %arg4 : tensor<8x64xf32>
  %f = phlox.reshape %d, [128, 6] : tensor<8x16x6xf32> -> tensor<128x6xf32>
  %p = phlox.matmul %f, %a : tensor<128x6xf32>, tensor<6x64xf32> -> tensor<128x64xf32>
  %s = phlox.stretch %slope, 16 axis = 0 : tensor<8x64xf32> -> tensor<128x64xf32>
  %q = phlox.mul %p, %s : tensor<128x64xf32>
  %y = phlox.matmul %q, %b : tensor<128x64xf32>, tensor<64x6xf32> -> tensor<128x6xf32>
  %z = phlox.reshape %y, [8, 16, 6] : tensor<128x6xf32> -> tensor<8x16x6xf32>
  %e = phlox.expand %w axis = 2 : tensor<8x16xf32> -> tensor<8x16x1xf32>
  %v = phlox.broadcast %e, [8, 16, 6] : tensor<8x16x1xf32> -> tensor<8x16x6xf32>
  %t = phlox.mul %v, %z : tensor<8x16x6xf32>
  %r = phlox.reduce sum, %t, [1] : tensor<8x16x6xf32> -> tensor<8x6xf32>
  return %r : tensor<8x6xf32>
}

// CHECK-LABEL: @refused
func.func @refused(%x: tensor<8x16x32xf32>, %w: tensor<32x64xf32>, %u: tensor<8x32x64xf32>)
    -> (tensor<8x64xf32>, tensor<64xf32>, tensor<16x64xf32>, tensor<8x64xf32>, tensor<128x64xf32>) {
  // CHECK: %[[Y:.*]] = phlox.matmul %{{.*}} : tensor<128x32xf32>
  %f = phlox.reshape %x, [128, 32] : tensor<8x16x32xf32> -> tensor<128x32xf32>
  %y = phlox.matmul %f, %w : tensor<128x32xf32>, tensor<32x64xf32> -> tensor<128x64xf32>
  // not linear
  // CHECK: %[[M:.*]] = phlox.mish %[[Y]]
  // CHECK: phlox.reduce sum, %{{.*}}, [1] : tensor<8x16x64xf32>
  %m = phlox.mish %y : tensor<128x64xf32>
  %z = phlox.reshape %m, [8, 16, 64] : tensor<128x64xf32> -> tensor<8x16x64xf32>
  %a = phlox.reduce sum, %z, [1] : tensor<8x16x64xf32> -> tensor<8x64xf32>
  // the product is read anyway
  // CHECK: phlox.reduce sum, %[[Y]], [0]
  %b = phlox.reduce sum, %y, [0] : tensor<128x64xf32> -> tensor<64xf32>
  // each b has a right operand of its own
  // CHECK: %[[V:.*]] = phlox.matmul %arg0, %arg2
  // CHECK: phlox.reduce sum, %[[V]], [0]
  %v = phlox.matmul %x, %u : tensor<8x16x32xf32>, tensor<8x32x64xf32> -> tensor<8x16x64xf32>
  %c = phlox.reduce sum, %v, [0] : tensor<8x16x64xf32> -> tensor<16x64xf32>
  // a maximum does not commute
  // CHECK: phlox.reduce max
  %n = phlox.matmul %f, %w : tensor<128x32xf32>, tensor<32x64xf32> -> tensor<128x64xf32>
  %o = phlox.reshape %n, [8, 16, 64] : tensor<128x64xf32> -> tensor<8x16x64xf32>
  %d = phlox.reduce max, %o, [1] : tensor<8x16x64xf32> -> tensor<8x64xf32>
  return %a, %b, %c, %d, %y : tensor<8x64xf32>, tensor<64xf32>, tensor<16x64xf32>, tensor<8x64xf32>, tensor<128x64xf32>
}
