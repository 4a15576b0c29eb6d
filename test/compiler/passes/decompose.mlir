// RUN: phlox-opt --phlox-decompose %s | FileCheck %s

// CHECK-LABEL: @softmax
func.func @softmax(%q: tensor<8x32xf32>) -> tensor<8x32xf32> {
  // CHECK-NOT: phlox.softmax
  // CHECK: phlox.reduce max
  // CHECK: phlox.sub
  // CHECK: phlox.exp
  // CHECK: phlox.reduce sum
  // CHECK: phlox.reciprocal
  %w = phlox.softmax %q axis = 1 : tensor<8x32xf32> -> tensor<8x32xf32>
  return %w : tensor<8x32xf32>
}

// what has loops of its own stays
// CHECK-LABEL: @matmul
func.func @matmul(%x: tensor<4x3xf32>, %w: tensor<3x2xf32>) -> tensor<4x2xf32> {
  // CHECK-NEXT: phlox.matmul
  // CHECK-NEXT: return
  %y = phlox.matmul %x, %w : tensor<4x3xf32>, tensor<3x2xf32> -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// the body of a scan too
// CHECK-LABEL: @inside
func.func @inside(%h: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: phlox.scan
  // CHECK-NOT: phlox.softmax
  // CHECK: phlox.yield
  %r = phlox.scan 3 inits(%h : tensor<4xf32>) xs() constants()
      carries(tensor<4xf32>) {
  ^bb0(%c: tensor<4xf32>):
    %n = phlox.softmax %c axis = 0 : tensor<4xf32> -> tensor<4xf32>
    phlox.yield %n : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
