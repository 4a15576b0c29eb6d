// What element-wise ops refuse. pointwise_c1 (one type for all) is a trait's.
// RUN: phlox-opt %s -split-input-file -verify-diagnostics

func.func @pointwise_c1(%x: tensor<4xf32>) {
  // expected-error @below {{requires the same type for all operands and results}}
  %y = "phlox.neg"(%x) : (tensor<4xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @convert_c1(%x: tensor<4xi1>) {
  // expected-error @below {{requires the same shape for all operands and results}}
  %y = phlox.convert %x : tensor<4xi1> -> tensor<5xf32>
  return
}

// -----

func.func @isfinite_c1(%x: tensor<4xi32>) {
  // expected-error @below {{must be statically shaped tensor of 32-bit float values}}
  %y = phlox.isfinite %x : (tensor<4xi32>) -> tensor<4xi1>
  return
}

// -----

func.func @mish_c2(%x: tensor<4xf32>) {
  // expected-error @below {{[mish_c2] order must be 0, 1 or 2: got 3}}
  %y = phlox.mish %x order = 3 : tensor<4xf32>
  return
}

// -----

func.func @compare_c1(%x: tensor<4x2xf32>, %y: tensor<4xi32>) {
  // expected-error @below {{[compare_c1] lhs and rhs must have one type: lhs f32 4x2, rhs i32 4}}
  // expected-error @below {{failed to infer returned types}}
  %z = phlox.compare lt, %x, %y
    : (tensor<4x2xf32>, tensor<4xi32>) -> tensor<4xi1>
  return
}

// -----

func.func @select_c1(%m: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xi32>) {
  // expected-error @below {{[select_c1] on_true and on_false must have one type: on_true f32 4, on_false i32 4}}
  // expected-error @below {{failed to infer returned types}}
  %z = phlox.select %m, %x, %y
    : (tensor<4xi1>, tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @select_c2(%m: tensor<i1>, %x: tensor<4x2xf32>) {
  // expected-error @below {{[select_c2] condition must have the shape of on_true: condition (), on_true 4x2}}
  // expected-error @below {{failed to infer returned types}}
  %z = phlox.select %m, %x, %x
    : (tensor<i1>, tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  return
}
