// RUN: phlox-opt --phlox-evaluate %s | FileCheck %s
// RUN: phlox-opt --phlox-narrow-matmul --phlox-evaluate %s | FileCheck %s

// CHECK-LABEL: @part
func.func @part() -> tensor<1x2x2xf32> {
  %k = phlox.constant dense<[1, 2]> : tensor<2xi32>
  %x = phlox.uniform %k, "x", [3, 5, 7] : (tensor<2xi32>) -> tensor<3x5x7xf32>
  %w = phlox.uniform %k, "w", [3, 7, 4] : (tensor<2xi32>) -> tensor<3x7x4xf32>
  %y = phlox.matmul %x, %w : tensor<3x5x7xf32>, tensor<3x7x4xf32> -> tensor<3x5x4xf32>
  %z = phlox.slice %y, [1, 2, 1], [1, 2, 2] : tensor<3x5x4xf32> -> tensor<1x2x2xf32>
  // CHECK-NEXT: dense<{{\[+}}1.87089729, 1.42336428], [1.35832095, 1.03287649]]]>
  return %z : tensor<1x2x2xf32>
}

// CHECK-LABEL: @reshaped
func.func @reshaped() -> tensor<8xf32> {
  %k = phlox.constant dense<[1, 2]> : tensor<2xi32>
  %x = phlox.uniform %k, "x", [4, 7] : (tensor<2xi32>) -> tensor<4x7xf32>
  %w = phlox.uniform %k, "w", [7, 4] : (tensor<2xi32>) -> tensor<7x4xf32>
  %y = phlox.matmul %x, %w : tensor<4x7xf32>, tensor<7x4xf32> -> tensor<4x4xf32>
  %r = phlox.reshape %y, [2, 2, 4] : tensor<4x4xf32> -> tensor<2x2x4xf32>
  %z = phlox.slice %r, [0, 0, 1], [2, 2, 2] : tensor<2x2x4xf32> -> tensor<2x2x2xf32>
  %f = phlox.reshape %z, [8] : tensor<2x2x2xf32> -> tensor<8xf32>
  // CHECK-NEXT: dense<[1.04439569, 1.2117548, 1.21417987, 1.14414978, 1.31313848, 1.90746188, 0.898861706, 8.403810e-01]>
  return %f : tensor<8xf32>
}
