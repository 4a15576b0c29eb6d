// The text of every element-wise op, as its printer writes it.
// RUN: phlox-opt %s | phlox-opt | FileCheck %s

// CHECK-LABEL: @unary
func.func @unary(%x: tensor<4x3xf32>) {
  // CHECK: phlox.neg %{{.*}} : tensor<4x3xf32>
  %0 = phlox.neg %x : tensor<4x3xf32>
  // CHECK: phlox.abs
  %1 = phlox.abs %x : tensor<4x3xf32>
  // CHECK: phlox.sign
  %2 = phlox.sign %x : tensor<4x3xf32>
  // CHECK: phlox.floor
  %3 = phlox.floor %x : tensor<4x3xf32>
  // CHECK: phlox.exp
  %4 = phlox.exp %x : tensor<4x3xf32>
  // CHECK: phlox.log
  %5 = phlox.log %x : tensor<4x3xf32>
  // CHECK: phlox.log1p
  %6 = phlox.log1p %x : tensor<4x3xf32>
  // CHECK: phlox.expm1
  %7 = phlox.expm1 %x : tensor<4x3xf32>
  // CHECK: phlox.sqrt
  %8 = phlox.sqrt %x : tensor<4x3xf32>
  // CHECK: phlox.rsqrt
  %9 = phlox.rsqrt %x : tensor<4x3xf32>
  // CHECK: phlox.square
  %10 = phlox.square %x : tensor<4x3xf32>
  // CHECK: phlox.reciprocal
  %11 = phlox.reciprocal %x : tensor<4x3xf32>
  // CHECK: phlox.tanh
  %12 = phlox.tanh %x : tensor<4x3xf32>
  // CHECK: phlox.sigmoid
  %13 = phlox.sigmoid %x : tensor<4x3xf32>
  // CHECK: phlox.silu
  %silu = phlox.silu %x : tensor<4x3xf32>
  // CHECK: phlox.softplus
  %14 = phlox.softplus %x : tensor<4x3xf32>
  // CHECK: phlox.relu
  %15 = phlox.relu %x : tensor<4x3xf32>
  // CHECK: phlox.gelu
  %16 = phlox.gelu %x : tensor<4x3xf32>
  // CHECK: phlox.erf
  %17 = phlox.erf %x : tensor<4x3xf32>
  // CHECK: phlox.erfinv
  %18 = phlox.erfinv %x : tensor<4x3xf32>
  // CHECK: phlox.sin
  %19 = phlox.sin %x : tensor<4x3xf32>
  // CHECK: phlox.cos
  %20 = phlox.cos %x : tensor<4x3xf32>
  // CHECK: phlox.quantile
  %21 = phlox.quantile %x : tensor<4x3xf32>
  // CHECK: phlox.mish %{{.*}} : tensor<4x3xf32>
  %22 = phlox.mish %x : tensor<4x3xf32>
  // CHECK: phlox.mish %{{.*}} order = 2 : tensor<4x3xf32>
  %23 = phlox.mish %x order = 2 : tensor<4x3xf32>
  return
}

// CHECK-LABEL: @several
func.func @several(%x: tensor<4xf32>, %y: tensor<4xf32>) {
  // CHECK: phlox.add %{{.*}}, %{{.*}} : tensor<4xf32>
  %0 = phlox.add %x, %y : tensor<4xf32>
  // CHECK: phlox.sub
  %1 = phlox.sub %x, %y : tensor<4xf32>
  // CHECK: phlox.mul
  %2 = phlox.mul %x, %y : tensor<4xf32>
  // CHECK: phlox.div
  %3 = phlox.div %x, %y : tensor<4xf32>
  // CHECK: phlox.pow
  %4 = phlox.pow %x, %y : tensor<4xf32>
  // CHECK: phlox.min
  %5 = phlox.min %x, %y : tensor<4xf32>
  // CHECK: phlox.max
  %6 = phlox.max %x, %y : tensor<4xf32>
  // CHECK: phlox.logaddexp
  %7 = phlox.logaddexp %x, %y : tensor<4xf32>
  // CHECK: phlox.truncquantile
  %8 = phlox.truncquantile %x, %y, %y : tensor<4xf32>
  return
}

// CHECK-LABEL: @truth_and_counts
func.func @truth_and_counts(%x: tensor<4xf32>, %n: tensor<i64>) {
  // CHECK: phlox.compare lt, %{{.*}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %0 = phlox.compare lt, %x, %x
    : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  // CHECK: phlox.isfinite %{{.*}} : (tensor<4xf32>) -> tensor<4xi1>
  %1 = phlox.isfinite %x : (tensor<4xf32>) -> tensor<4xi1>
  // CHECK: phlox.logicaland %{{.*}} : tensor<4xi1>
  %2 = phlox.logicaland %0, %1 : tensor<4xi1>
  // CHECK: phlox.logicalor %{{.*}} : tensor<4xi1>
  %3 = phlox.logicalor %0, %1 : tensor<4xi1>
  // CHECK: phlox.select %{{.*}} : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = phlox.select %2, %x, %x
    : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: phlox.convert %{{.*}} : tensor<4xi1> -> tensor<4xf32>
  %5 = phlox.convert %3 : tensor<4xi1> -> tensor<4xf32>
  // CHECK: phlox.countadd %{{.*}} : tensor<i64>
  %6 = phlox.countadd %n, %n : tensor<i64>
  // CHECK: phlox.countrem %{{.*}} : tensor<i64>
  %7 = phlox.countrem %n, %n : tensor<i64>
  return
}
