// RUN: phlox-opt --phlox-evaluate %s | FileCheck %s
// RUN: phlox-opt --phlox-hoist-repeat --phlox-evaluate %s | FileCheck %s

// a layer on repeated rows, and the gradients of its weight and input
// CHECK-LABEL: @layer
func.func @layer() -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %k = phlox.constant dense<[1, 2]> : tensor<2xi32>
  %x = phlox.uniform %k, "x", [6, 20] : (tensor<2xi32>) -> tensor<6x20xf32>
  %w = phlox.uniform %k, "w", [20, 48] : (tensor<2xi32>) -> tensor<20x48xf32>
  %d = phlox.uniform %k, "d", [300, 48] : (tensor<2xi32>) -> tensor<300x48xf32>
  %r = phlox.repeat %x, 50 axis = 1 : tensor<6x20xf32> -> tensor<6x50x20xf32>
  %f = phlox.reshape %r, [300, 20] : tensor<6x50x20xf32> -> tensor<300x20xf32>
  %p = phlox.matmul %f, %w : tensor<300x20xf32>, tensor<20x48xf32> -> tensor<300x48xf32>
  %y = phlox.mish %p : tensor<300x48xf32>
  %s = phlox.mish %p order = 1 : tensor<300x48xf32>
  %g = phlox.mul %s, %d : tensor<300x48xf32>
  %t = phlox.transpose %f, [1, 0] : tensor<300x20xf32> -> tensor<20x300xf32>
  %dw = phlox.matmul %t, %g : tensor<20x300xf32>, tensor<300x48xf32> -> tensor<20x48xf32>
  %a = phlox.slice %y, [149, 5], [3, 1] : tensor<300x48xf32> -> tensor<3x1xf32>
  %b = phlox.slice %dw, [7, 40], [1, 3] : tensor<20x48xf32> -> tensor<1x3xf32>
  %c = phlox.reduce mean, %y, [0] : tensor<300x48xf32> -> tensor<48xf32>
  %l = phlox.slice %c, [3], [3] : tensor<48xf32> -> tensor<3xf32>
  %m = phlox.reshape %a, [3] : tensor<3x1xf32> -> tensor<3xf32>
  %n = phlox.reshape %b, [3] : tensor<1x3xf32> -> tensor<3xf32>
  // CHECK-NEXT: dense<[3.17985415, 4.64736128, 4.64736128]>
  // CHECK-NEXT: dense<[78.7457657, 7.611860e+01, 78.8123931]>
  // CHECK-NEXT: dense<[4.19713116, 5.45969677, 3.96951938]>
  return %m, %n, %l : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// copies on both sides of a contraction, on one side, and columns of copies
// CHECK-LABEL: @contracted
func.func @contracted() -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %k = phlox.constant dense<[3, 4]> : tensor<2xi32>
  %x = phlox.uniform %k, "x", [24, 5] : (tensor<2xi32>) -> tensor<24x5xf32>
  %z = phlox.uniform %k, "z", [200, 40] : (tensor<2xi32>) -> tensor<200x40xf32>
  %c = phlox.uniform %k, "c", [5] : (tensor<2xi32>) -> tensor<5xf32>
  %a = phlox.stretch %x, 40 axis = 1 : tensor<24x5xf32> -> tensor<24x200xf32>
  %e = phlox.stretch %c, 40 axis = 0 : tensor<5xf32> -> tensor<200xf32>
  %f = phlox.repeat %e, 40 axis = 1 : tensor<200xf32> -> tensor<200x40xf32>
  %p = phlox.matmul %a, %f : tensor<24x200xf32>, tensor<200x40xf32> -> tensor<24x40xf32>
  %q = phlox.matmul %a, %z : tensor<24x200xf32>, tensor<200x40xf32> -> tensor<24x40xf32>
  %t = phlox.transpose %z, [1, 0] : tensor<200x40xf32> -> tensor<40x200xf32>
  %u = phlox.matmul %t, %f : tensor<40x200xf32>, tensor<200x40xf32> -> tensor<40x40xf32>
  %i = phlox.slice %p, [9, 9], [2, 2] : tensor<24x40xf32> -> tensor<2x2xf32>
  %j = phlox.slice %q, [9, 9], [2, 2] : tensor<24x40xf32> -> tensor<2x2xf32>
  %h = phlox.slice %u, [9, 9], [2, 2] : tensor<40x40xf32> -> tensor<2x2xf32>
  // CHECK-NEXT: dense<{{\[}}[58.6400452, 58.6400452], [52.8918114, 52.8918114]]>
  // CHECK-NEXT: dense<{{\[}}[54.5497055, 56.0360718], [48.7990189, 51.8064804]]>
  // CHECK-NEXT: dense<{{\[}}[43.4992943, 43.4992943], [44.8066063, 44.8066063]]>
  return %i, %j, %h : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}
