// RUN: phlox-opt --phlox-evaluate %s | FileCheck %s
// RUN: phlox-opt --phlox-sink-repeat --phlox-evaluate %s | FileCheck %s

// CHECK-LABEL: @scaled
// CHECK-NEXT: dense<{{\[}}[1.000000e+00, 4.000000e+00], [1.000000e+00, 4.000000e+00], [9.000000e+00, 1.600000e+01], [9.000000e+00, 1.600000e+01]]>
func.func @scaled() -> tensor<4x2xf32> {
  %s = phlox.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %one = phlox.constant dense<1.0> : tensor<4x2xf32>
  %r = phlox.repeat %s, 2 axis = 1 : tensor<2x2xf32> -> tensor<2x2x2xf32>
  %f = phlox.reshape %r, [4, 2] : tensor<2x2x2xf32> -> tensor<4x2xf32>
  %y = phlox.scan 2 inits(%one : tensor<4x2xf32>) xs() constants(%f : tensor<4x2xf32>)
      carries(tensor<4x2xf32>) {
  ^bb0(%c: tensor<4x2xf32>, %o: tensor<4x2xf32>):
    %z = phlox.mul %c, %o : tensor<4x2xf32>
    phlox.yield %z : tensor<4x2xf32>
  }
  return %y : tensor<4x2xf32>
}
