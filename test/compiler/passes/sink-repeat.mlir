// RUN: phlox-opt --phlox-sink-repeat --canonicalize %s | FileCheck %s

// CHECK-LABEL: @rows
func.func @rows(%s: tensor<8x3xf32>, %x: tensor<80x3xf32>) -> tensor<80x3xf32> {
  // CHECK: phlox.scan {{.*}} constants(%arg0 : tensor<8x3xf32>)
  // CHECK: ^bb0(%{{.*}}: tensor<80x3xf32>, %[[S:.*]]: tensor<8x3xf32>):
  // CHECK-NEXT: %[[R:.*]] = phlox.repeat %[[S]], 10 axis = 1
  // CHECK-NEXT: %[[F:.*]] = phlox.reshape %[[R]], [80, 3]
  // CHECK-NEXT: phlox.mul %{{.*}}, %[[F]]
  %r = phlox.repeat %s, 10 axis = 1 : tensor<8x3xf32> -> tensor<8x10x3xf32>
  %f = phlox.reshape %r, [80, 3] : tensor<8x10x3xf32> -> tensor<80x3xf32>
  %y = phlox.scan 2 inits(%x : tensor<80x3xf32>) xs() constants(%f : tensor<80x3xf32>)
      carries(tensor<80x3xf32>) {
  ^bb0(%c: tensor<80x3xf32>, %o: tensor<80x3xf32>):
    %z = phlox.mul %c, %o : tensor<80x3xf32>
    phlox.yield %z : tensor<80x3xf32>
  }
  return %y : tensor<80x3xf32>
}

// a reshape alone repeats nothing
// CHECK-LABEL: @refused
func.func @refused(%s: tensor<240xf32>, %x: tensor<80x3xf32>) -> tensor<80x3xf32> {
  // CHECK: %[[F:.*]] = phlox.reshape %arg0, [80, 3]
  // CHECK: phlox.scan {{.*}} constants(%[[F]] : tensor<80x3xf32>)
  %f = phlox.reshape %s, [80, 3] : tensor<240xf32> -> tensor<80x3xf32>
  %y = phlox.scan 2 inits(%x : tensor<80x3xf32>) xs() constants(%f : tensor<80x3xf32>)
      carries(tensor<80x3xf32>) {
  ^bb0(%c: tensor<80x3xf32>, %o: tensor<80x3xf32>):
    %z = phlox.mul %c, %o : tensor<80x3xf32>
    phlox.yield %z : tensor<80x3xf32>
  }
  return %y : tensor<80x3xf32>
}
