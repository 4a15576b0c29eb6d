// RUN: phlox-opt --phlox-hoist-scan %s | FileCheck %s

// CHECK-LABEL: @product
func.func @product(%s: tensor<64x17xf32>, %x: tensor<64x6xf32>, %w: tensor<17x6xf32>,
                   %unused: tensor<3xf32>) -> tensor<64x6xf32> {
  // CHECK: %[[Y:.*]] = phlox.matmul %arg0, %arg2
  // CHECK: phlox.scan 5 inits(%arg1 : tensor<64x6xf32>) xs() constants(%[[Y]] : tensor<64x6xf32>)
  // CHECK: ^bb0(%[[C:.*]]: tensor<64x6xf32>, %[[M:.*]]: tensor<64x6xf32>):
  // CHECK-NEXT: phlox.add %[[C]], %[[M]]
  %r = phlox.scan 5 inits(%x : tensor<64x6xf32>) xs()
      constants(%s, %w, %unused : tensor<64x17xf32>, tensor<17x6xf32>, tensor<3xf32>)
      carries(tensor<64x6xf32>) {
  ^bb0(%c: tensor<64x6xf32>, %o: tensor<64x17xf32>, %v: tensor<17x6xf32>, %u: tensor<3xf32>):
    %y = phlox.matmul %o, %v : tensor<64x17xf32>, tensor<17x6xf32> -> tensor<64x6xf32>
    %z = phlox.add %c, %y : tensor<64x6xf32>
    phlox.yield %z : tensor<64x6xf32>
  }
  return %r : tensor<64x6xf32>
}

// what repeats the product stays: copies are not worth memory
// CHECK-LABEL: @repeated
func.func @repeated(%s: tensor<64x17xf32>, %x: tensor<640x6xf32>, %w: tensor<17x6xf32>)
    -> tensor<640x6xf32> {
  // CHECK: %[[Y:.*]] = phlox.matmul %arg0, %arg2
  // CHECK: phlox.scan {{.*}} constants(%[[Y]] : tensor<64x6xf32>)
  // CHECK: phlox.stretch
  %r = phlox.scan 5 inits(%x : tensor<640x6xf32>) xs()
      constants(%s, %w : tensor<64x17xf32>, tensor<17x6xf32>) carries(tensor<640x6xf32>) {
  ^bb0(%c: tensor<640x6xf32>, %o: tensor<64x17xf32>, %v: tensor<17x6xf32>):
    %y = phlox.matmul %o, %v : tensor<64x17xf32>, tensor<17x6xf32> -> tensor<64x6xf32>
    %t = phlox.stretch %y, 10 axis = 0 : tensor<64x6xf32> -> tensor<640x6xf32>
    %z = phlox.add %c, %t : tensor<640x6xf32>
    phlox.yield %z : tensor<640x6xf32>
  }
  return %r : tensor<640x6xf32>
}

// CHECK-LABEL: @refused
func.func @refused(%s: tensor<64x64xf32>, %x: tensor<64x64xf32>, %w: tensor<64x64xf32>)
    -> tensor<64x64xf32> {
  // CHECK-NEXT: phlox.scan
  %r = phlox.scan 5 inits(%x : tensor<64x64xf32>) xs()
      constants(%s, %w : tensor<64x64xf32>, tensor<64x64xf32>) carries(tensor<64x64xf32>) {
  ^bb0(%c: tensor<64x64xf32>, %o: tensor<64x64xf32>, %v: tensor<64x64xf32>):
    // cheaper than to read what it would give
    // CHECK: phlox.add
    %y = phlox.add %o, %v : tensor<64x64xf32>
    // not the same twice
    // CHECK: phlox.matmul
    %z = phlox.matmul %c, %y : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
    phlox.yield %z : tensor<64x64xf32>
  }
  return %r : tensor<64x64xf32>
}
