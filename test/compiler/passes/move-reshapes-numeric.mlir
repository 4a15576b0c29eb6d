// RUN: phlox-opt --phlox-evaluate %s | FileCheck %s
// RUN: phlox-opt --phlox-move-reshapes --phlox-evaluate %s | FileCheck %s

// CHECK-LABEL: @scaled
// CHECK-NEXT: dense<{{\[}}[2.000000e+00, 4.000000e+00], [6.000000e+00, 8.000000e+00], [1.000000e+01, 1.200000e+01]]>
func.func @scaled() -> tensor<3x2xf32> {
  %x = phlox.constant dense<[1.0, 4.0, 9.0, 16.0, 25.0, 36.0]> : tensor<6xf32>
  %two = phlox.constant dense<2.0> : tensor<f32>
  %r = phlox.sqrt %x : tensor<6xf32>
  %a = phlox.reshape %r, [2, 3] : tensor<6xf32> -> tensor<2x3xf32>
  %b = phlox.broadcast %two, [2, 3] : tensor<f32> -> tensor<2x3xf32>
  %c = phlox.mul %b, %a : tensor<2x3xf32>
  %d = phlox.reshape %c, [3, 2] : tensor<2x3xf32> -> tensor<3x2xf32>
  return %d : tensor<3x2xf32>
}

// entries of the second operand are read side by side
// CHECK-LABEL: @stretched
// CHECK-NEXT: dense<{{\[}}1.000000e+01, 2.000000e+01, 6.000000e+01, 8.000000e+01]>
func.func @stretched() -> tensor<4xf32> {
  %x = phlox.constant dense<[1.0, 4.0, 9.0, 16.0]> : tensor<4xf32>
  %d = phlox.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %r = phlox.sqrt %x : tensor<4xf32>
  %a = phlox.reshape %r, [2, 2] : tensor<4xf32> -> tensor<2x2xf32>
  %e = phlox.reshape %d, [2, 1] : tensor<2xf32> -> tensor<2x1xf32>
  %b = phlox.broadcast %e, [2, 2] : tensor<2x1xf32> -> tensor<2x2xf32>
  %c = phlox.mul %b, %a : tensor<2x2xf32>
  %f = phlox.reshape %c, [4] : tensor<2x2xf32> -> tensor<4xf32>
  return %f : tensor<4xf32>
}
