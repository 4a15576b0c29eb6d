// RUN: phlox-opt --phlox-evaluate %s | FileCheck %s
// RUN: phlox-opt --phlox-hoist-sum --phlox-evaluate %s | FileCheck %s

// CHECK-LABEL: @derivatives
func.func @derivatives() -> tensor<4x3xf32> {
  %k = phlox.constant dense<[1, 2]> : tensor<2xi32>
  %d = phlox.uniform %k, "d", [4, 30, 6] : (tensor<2xi32>) -> tensor<4x30x6xf32>
  %w = phlox.uniform %k, "w", [4, 30] : (tensor<2xi32>) -> tensor<4x30xf32>
  %g = phlox.uniform %k, "g", [4, 80] : (tensor<2xi32>) -> tensor<4x80xf32>
  %a = phlox.uniform %k, "a", [6, 80] : (tensor<2xi32>) -> tensor<6x80xf32>
  %b = phlox.uniform %k, "b", [80, 3] : (tensor<2xi32>) -> tensor<80x3xf32>
  %o = phlox.uniform %k, "o", [3] : (tensor<2xi32>) -> tensor<3xf32>
  %f = phlox.reshape %d, [120, 6] : tensor<4x30x6xf32> -> tensor<120x6xf32>
  %p = phlox.matmul %f, %a : tensor<120x6xf32>, tensor<6x80xf32> -> tensor<120x80xf32>
  %s = phlox.stretch %g, 30 axis = 0 : tensor<4x80xf32> -> tensor<120x80xf32>
  %q = phlox.div %p, %s : tensor<120x80xf32>
  %y = phlox.matmul %q, %b : tensor<120x80xf32>, tensor<80x3xf32> -> tensor<120x3xf32>
  %c = phlox.broadcast %o, [120, 3] : tensor<3xf32> -> tensor<120x3xf32>
  %x = phlox.sub %y, %c : tensor<120x3xf32>
  %z = phlox.reshape %x, [4, 30, 3] : tensor<120x3xf32> -> tensor<4x30x3xf32>
  %e = phlox.expand %w axis = 2 : tensor<4x30xf32> -> tensor<4x30x1xf32>
  %v = phlox.broadcast %e, [4, 30, 3] : tensor<4x30x1xf32> -> tensor<4x30x3xf32>
  %t = phlox.mul %v, %z : tensor<4x30x3xf32>
  %r = phlox.reduce mean, %t, [1] : tensor<4x30x3xf32> -> tensor<4x3xf32>
  // CHECK-NEXT: dense<{{\[}}[440.351379, 348.826294, 261.499878], [149.2332, 131.405884, 140.830948], [90.7589951, 219.244049, 147.996719], [336.41153, 192.722458, 239.964966]]>
  return %r : tensor<4x3xf32>
}
