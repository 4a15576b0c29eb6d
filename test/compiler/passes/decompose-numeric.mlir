// RUN: phlox-opt --phlox-evaluate %s | FileCheck %s
// RUN: phlox-opt --phlox-decompose --phlox-evaluate %s | FileCheck %s

// exp(0) : exp(ln 3) : exp(ln 4) = 1 : 3 : 4
// CHECK-LABEL: @softmax
// CHECK-NEXT: dense<[1.250000e-01, 3.750000e-01, 5.000000e-01]>
func.func @softmax() -> tensor<3xf32> {
  %q = phlox.constant dense<[0.0, 1.09861231, 1.38629436]> : tensor<3xf32>
  %w = phlox.softmax %q axis = 0 : tensor<3xf32> -> tensor<3xf32>
  return %w : tensor<3xf32>
}

// CHECK-LABEL: @logsumexp
// CHECK-NEXT: dense<2.07944155>
func.func @logsumexp() -> tensor<f32> {
  %q = phlox.constant dense<[0.0, 1.09861231, 1.38629436]> : tensor<3xf32>
  %l = phlox.logsumexp %q axis = 0 : tensor<3xf32> -> tensor<f32>
  return %l : tensor<f32>
}
