// RUN: phlox-opt --phlox-split-concat --canonicalize --cse %s | FileCheck %s

// the bias goes with the part that is computed for fewest rows
// CHECK-LABEL: @critic
func.func @critic(%s: tensor<8x17xf32>, %a: tensor<8x100x6xf32>,
                  %w: tensor<23x256xf32>, %b: tensor<256xf32>) -> tensor<800x256xf32> {
  // CHECK-DAG: %[[WS:.*]] = phlox.slice %arg2, [0, 0], [17, 256]
  // CHECK-DAG: %[[WA:.*]] = phlox.slice %arg2, [17, 0], [6, 256]
  // CHECK-DAG: %[[YS:.*]] = phlox.matmul %{{.*}}, %[[WS]] : tensor<800x17xf32>
  // CHECK-DAG: %[[YA:.*]] = phlox.matmul %{{.*}}, %[[WA]] : tensor<800x6xf32>
  // CHECK-DAG: %[[B:.*]] = phlox.broadcast %arg3
  // CHECK: %[[F:.*]] = phlox.add %[[YS]], %[[B]]
  // CHECK: phlox.add %[[F]], %[[YA]]
  %r = phlox.repeat %s, 100 axis = 1 : tensor<8x17xf32> -> tensor<8x100x17xf32>
  %c = phlox.concat %r, %a axis = 2 : (tensor<8x100x17xf32>, tensor<8x100x6xf32>) -> tensor<8x100x23xf32>
  %x = phlox.reshape %c, [800, 23] : tensor<8x100x23xf32> -> tensor<800x23xf32>
  %y = phlox.matmul %x, %w : tensor<800x23xf32>, tensor<23x256xf32> -> tensor<800x256xf32>
  %d = phlox.broadcast %b, [800, 256] : tensor<256xf32> -> tensor<800x256xf32>
  %z = phlox.add %y, %d : tensor<800x256xf32>
  return %z : tensor<800x256xf32>
}

// the tangent of one input
// CHECK-LABEL: @zeros
func.func @zeros(%d: tensor<8x6xf32>, %w: tensor<32x16xf32>) -> tensor<8x16xf32> {
  // CHECK: %[[W:.*]] = phlox.slice %arg1, [17, 0], [6, 16]
  // CHECK: %[[Y:.*]] = phlox.matmul %arg0, %[[W]] : tensor<8x6xf32>
  // CHECK: return %[[Y]]
  %o = phlox.constant dense<0.0> : tensor<8x17xf32>
  %t = phlox.constant dense<0.0> : tensor<8x9xf32>
  %c = phlox.concat %o, %d, %t axis = 1 : (tensor<8x17xf32>, tensor<8x6xf32>, tensor<8x9xf32>) -> tensor<8x32xf32>
  %y = phlox.matmul %c, %w : tensor<8x32xf32>, tensor<32x16xf32> -> tensor<8x16xf32>
  return %y : tensor<8x16xf32>
}

// rows of a weight's gradient
// CHECK-LABEL: @gradient
func.func @gradient(%s: tensor<8x17xf32>, %a: tensor<800x6xf32>, %dy: tensor<800x256xf32>)
    -> tensor<23x256xf32> {
  // CHECK: %[[S:.*]] = phlox.matmul %{{.*}}, %arg2 : tensor<17x800xf32>
  // CHECK: %[[A:.*]] = phlox.matmul %{{.*}}, %arg2 : tensor<6x800xf32>
  // CHECK: phlox.concat %[[S]], %[[A]] axis = 0
  %r = phlox.stretch %s, 100 axis = 0 : tensor<8x17xf32> -> tensor<800x17xf32>
  %c = phlox.concat %r, %a axis = 1 : (tensor<800x17xf32>, tensor<800x6xf32>) -> tensor<800x23xf32>
  %t = phlox.transpose %c, [1, 0] : tensor<800x23xf32> -> tensor<23x800xf32>
  %g = phlox.matmul %t, %dy : tensor<23x800xf32>, tensor<800x256xf32> -> tensor<23x256xf32>
  return %g : tensor<23x256xf32>
}

// what a scan's iterations share splits off
// CHECK-LABEL: @scanned
func.func @scanned(%s: tensor<64x40xf32>, %x: tensor<64x64xf32>, %w: tensor<104x64xf32>)
    -> tensor<64x64xf32> {
  // CHECK: phlox.scan
  // CHECK: phlox.matmul %{{.*}} : tensor<64x40xf32>
  // CHECK: phlox.matmul %{{.*}} : tensor<64x64xf32>
  %r = phlox.scan 50 inits(%x : tensor<64x64xf32>) xs()
      constants(%s, %w : tensor<64x40xf32>, tensor<104x64xf32>) carries(tensor<64x64xf32>) {
  ^bb0(%c: tensor<64x64xf32>, %o: tensor<64x40xf32>, %v: tensor<104x64xf32>):
    %i = phlox.concat %o, %c axis = 1 : (tensor<64x40xf32>, tensor<64x64xf32>) -> tensor<64x104xf32>
    %y = phlox.matmul %i, %v : tensor<64x104xf32>, tensor<104x64xf32> -> tensor<64x64xf32>
    phlox.yield %y : tensor<64x64xf32>
  }
  return %r : tensor<64x64xf32>
}

// CHECK-LABEL: @refused
func.func @refused(%s: tensor<8x17xf32>, %a: tensor<800x6xf32>, %b: tensor<800x17xf32>,
                   %w: tensor<23x256xf32>, %v: tensor<23x2xf32>, %u: tensor<23x800xf32>)
    -> (tensor<800x256xf32>, tensor<800x2xf32>, tensor<23x23xf32>) {
  // CHECK-NOT: phlox.slice
  // no part repeats
  // CHECK: phlox.matmul %{{.*}}, %arg3 : tensor<800x23xf32>
  %c = phlox.concat %b, %a axis = 1 : (tensor<800x17xf32>, tensor<800x6xf32>) -> tensor<800x23xf32>
  %x = phlox.matmul %c, %w : tensor<800x23xf32>, tensor<23x256xf32> -> tensor<800x256xf32>
  // too few columns to pay for another product
  // CHECK: phlox.matmul %{{.*}}, %arg4 : tensor<800x23xf32>
  %r = phlox.stretch %s, 100 axis = 0 : tensor<8x17xf32> -> tensor<800x17xf32>
  %d = phlox.concat %r, %a axis = 1 : (tensor<800x17xf32>, tensor<800x6xf32>) -> tensor<800x23xf32>
  %y = phlox.matmul %d, %v : tensor<800x23xf32>, tensor<23x2xf32> -> tensor<800x2xf32>
  // joined along rows: nothing to split
  // CHECK: phlox.matmul %arg5, %{{.*}} : tensor<23x800xf32>
  %z = phlox.matmul %u, %d : tensor<23x800xf32>, tensor<800x23xf32> -> tensor<23x23xf32>
  return %x, %y, %z : tensor<800x256xf32>, tensor<800x2xf32>, tensor<23x23xf32>
}
