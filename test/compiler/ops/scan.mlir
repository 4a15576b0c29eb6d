// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s

// CHECK-LABEL: @scan
func.func @scan(%h: tensor<2xf32>, %x: tensor<3x2xf32>, %w: tensor<f32>)
    -> (tensor<2xf32>, tensor<3x2xf32>) {
  // CHECK: phlox.scan 3 reverse true inits(%{{.*}} : tensor<2xf32>)
  // CHECK-SAME: xs(%{{.*}} : tensor<3x2xf32>) constants(%{{.*}} : tensor<f32>)
  // CHECK-SAME: carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
  // CHECK: phlox.yield %{{.*}}, %{{.*}} : tensor<2xf32>, tensor<2xf32>
  %r:2 = phlox.scan 3 reverse true inits(%h : tensor<2xf32>) xs(%x : tensor<3x2xf32>) constants(%w : tensor<f32>)
    carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<f32>):
    phlox.yield %row, %c : tensor<2xf32>, tensor<2xf32>
  }
  return %r#0, %r#1 : tensor<2xf32>, tensor<3x2xf32>
}

// CHECK-LABEL: @bare
func.func @bare(%h: tensor<f32>) -> tensor<f32> {
  // CHECK: phlox.scan 2 inits(%{{.*}} : tensor<f32>) xs() constants() carries(tensor<f32>) {
  %r = phlox.scan 2 inits(%h : tensor<f32>) xs() constants()
    carries(tensor<f32>) {
  ^bb0(%c: tensor<f32>):
    %n = phlox.sin %c : tensor<f32>
    phlox.yield %n : tensor<f32>
  }
  return %r : tensor<f32>
}

// -----

func.func @length(%h: tensor<2xf32>, %x: tensor<0x2xf32>, %w: tensor<f32>) {
  // expected-error @+1 {{[scan_c1] length must be at least 1: got 0}}
  %r:2 = phlox.scan 0 inits(%h : tensor<2xf32>) xs(%x : tensor<0x2xf32>) constants(%w : tensor<f32>)
    carries(tensor<2xf32>) ys(tensor<0x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<f32>):
    phlox.yield %row, %c : tensor<2xf32>, tensor<2xf32>
  }
  return
}

// -----

func.func @leading(%h: tensor<2xf32>, %x: tensor<4x2xf32>, %w: tensor<f32>) {
  // expected-error @+1 {{[scan_c2] xs must have the leading extent 3: got 4x2}}
  %r:2 = phlox.scan 3 inits(%h : tensor<2xf32>) xs(%x : tensor<4x2xf32>) constants(%w : tensor<f32>)
    carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<f32>):
    phlox.yield %row, %c : tensor<2xf32>, tensor<2xf32>
  }
  return
}

// -----

func.func @scalar(%h: tensor<2xf32>, %x: tensor<f32>, %w: tensor<f32>) {
  // expected-error @+1 {{[scan_c2] xs must have the leading extent 3: got ()}}
  %r:2 = phlox.scan 3 inits(%h : tensor<2xf32>) xs(%x : tensor<f32>) constants(%w : tensor<f32>)
    carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<f32>):
    phlox.yield %row, %c : tensor<2xf32>, tensor<2xf32>
  }
  return
}

// -----

func.func @arguments(%h: tensor<2xf32>, %x: tensor<3x2xf32>, %w: tensor<f32>) {
  // expected-error @+1 {{[scan_c3] the body must take 'tensor<2xf32>', 'tensor<2xf32>', 'tensor<f32>': got 'tensor<2xf32>', 'tensor<2xf32>', 'tensor<1xf32>'}}
  %r:2 = phlox.scan 3 inits(%h : tensor<2xf32>) xs(%x : tensor<3x2xf32>) constants(%w : tensor<f32>)
    carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<1xf32>):
    phlox.yield %row, %c : tensor<2xf32>, tensor<2xf32>
  }
  return
}

// -----

func.func @carries(%h: tensor<2xf32>, %x: tensor<3x2xf32>, %w: tensor<f32>) {
  // expected-error @+1 {{[scan_c3] carries must have the types of inits, 'tensor<2xf32>': got 'tensor<3xf32>'}}
  %r:2 = phlox.scan 3 inits(%h : tensor<2xf32>) xs(%x : tensor<3x2xf32>) constants(%w : tensor<f32>)
    carries(tensor<3xf32>) ys(tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<f32>):
    phlox.yield %row, %c : tensor<2xf32>, tensor<2xf32>
  }
  return
}

// -----

func.func @noise(%h: tensor<2xf32>, %x: tensor<3x2xf32>, %w: tensor<2xi32>) {
  // expected-error @+1 {{[scan_c4] the body must draw no noise: draw outside, and scan over it}}
  %r:2 = phlox.scan 3 inits(%h : tensor<2xf32>) xs(%x : tensor<3x2xf32>) constants(%w : tensor<2xi32>)
    carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<2xi32>):
    %e = phlox.normal %k, "a", [2] : (tensor<2xi32>) -> tensor<2xf32>
    phlox.yield %e, %c : tensor<2xf32>, tensor<2xf32>
  }
  return
}
