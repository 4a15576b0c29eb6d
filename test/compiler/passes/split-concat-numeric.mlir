// RUN: phlox-opt --phlox-evaluate %s | FileCheck %s
// RUN: phlox-opt --phlox-split-concat --phlox-evaluate %s | FileCheck %s
// RUN: phlox-opt --phlox-split-concat --phlox-hoist-repeat --phlox-evaluate %s | FileCheck %s

// zeros amid the parts too
// CHECK-LABEL: @layer
func.func @layer() -> (tensor<2x3xf32>, tensor<5x2xf32>) {
  %k = phlox.constant dense<[1, 2]> : tensor<2xi32>
  %o = phlox.constant dense<0.0> : tensor<200x4xf32>
  %s = phlox.uniform %k, "s", [4, 17] : (tensor<2xi32>) -> tensor<4x17xf32>
  %a = phlox.uniform %k, "a", [4, 50, 6] : (tensor<2xi32>) -> tensor<4x50x6xf32>
  %w = phlox.uniform %k, "w", [27, 200] : (tensor<2xi32>) -> tensor<27x200xf32>
  %b = phlox.uniform %k, "b", [200] : (tensor<2xi32>) -> tensor<200xf32>
  %r = phlox.repeat %s, 50 axis = 1 : tensor<4x17xf32> -> tensor<4x50x17xf32>
  %p = phlox.reshape %r, [200, 17] : tensor<4x50x17xf32> -> tensor<200x17xf32>
  %q = phlox.reshape %a, [200, 6] : tensor<4x50x6xf32> -> tensor<200x6xf32>
  %c = phlox.concat %p, %o, %q axis = 1
      : (tensor<200x17xf32>, tensor<200x4xf32>, tensor<200x6xf32>) -> tensor<200x27xf32>
  %y = phlox.matmul %c, %w : tensor<200x27xf32>, tensor<27x200xf32> -> tensor<200x200xf32>
  %d = phlox.broadcast %b, [200, 200] : tensor<200xf32> -> tensor<200x200xf32>
  %z = phlox.add %d, %y : tensor<200x200xf32>
  %t = phlox.transpose %c, [1, 0] : tensor<200x27xf32> -> tensor<27x200xf32>
  %g = phlox.matmul %t, %z : tensor<27x200xf32>, tensor<200x200xf32> -> tensor<27x200xf32>
  %m = phlox.slice %z, [99, 60], [2, 3] : tensor<200x200xf32> -> tensor<2x3xf32>
  %n = phlox.slice %g, [16, 60], [5, 2] : tensor<27x200xf32> -> tensor<5x2xf32>
  // CHECK-NEXT: dense<{{\[}}[5.08994436, 6.52288294, 6.04197645], [8.1347227, 9.02498531, 7.69579935]]>
  // CHECK-NEXT: dense<{{\[}}[751.426208, 866.560181], [0.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00]]>
  return %m, %n : tensor<2x3xf32>, tensor<5x2xf32>
}
