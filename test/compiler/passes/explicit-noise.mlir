// RUN: phlox-opt --phlox-explicit-noise %s | FileCheck %s

// CHECK-LABEL: @train_step
// CHECK-SAME: %[[SEED:.*]]: tensor<i64> {phlox.leaf = "seed"}
// CHECK-SAME: tensor<4xf32> {phlox.input = "train_step/path"}
// CHECK-SAME: tensor<2x3xf32> {phlox.input = "train_step/proposal"}
func.func @train_step(%seed: tensor<i64> {phlox.leaf = "seed"},
                      %lo: tensor<2x3xf32> {phlox.input = "lo"},
                      %hi: tensor<2x3xf32> {phlox.input = "hi"})
    -> (tensor<4xf32> {phlox.output = "e"}, tensor<2x3xf32> {phlox.output = "z"}) {
  // CHECK-NOT: phlox.normal
  // CHECK-NOT: phlox.truncnormal
  // CHECK: phlox.truncquantile
  %key = phlox.randomkey %seed, %seed : (tensor<i64>, tensor<i64>) -> tensor<2xi32>
  %e = phlox.normal %key, "train_step/path", [4] : (tensor<2xi32>) -> tensor<4xf32>
  %z = phlox.truncnormal %key, %lo, %hi, "train_step/proposal"
      : (tensor<2xi32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %e, %z : tensor<4xf32>, tensor<2x3xf32>
}
