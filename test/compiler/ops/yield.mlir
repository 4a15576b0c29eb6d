// RUN: phlox-opt %s -split-input-file -verify-diagnostics -verify-roundtrip \
// RUN:   | FileCheck %s
// What must be yielded is a part of scan_c3.

// CHECK-LABEL: @yield
func.func @yield() -> tensor<3xf32> {
  // CHECK: phlox.yield %{{.*}} : tensor<f32>
  %r = phlox.scan 3 inits() xs() constants() ys(tensor<3xf32>) {
    %c = phlox.constant dense<1.0> : tensor<f32>
    phlox.yield %c : tensor<f32>
  }
  return %r : tensor<3xf32>
}

// -----

func.func @count(%h: tensor<2xf32>, %x: tensor<3x2xf32>, %w: tensor<f32>) {
  %r:2 = phlox.scan 3 inits(%h : tensor<2xf32>) xs(%x : tensor<3x2xf32>) constants(%w : tensor<f32>)
    carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<f32>):
    // expected-error @+1 {{[scan_c3] 1 carries and 1 ys must be yielded: got 1 values}}
    phlox.yield %c : tensor<2xf32>
  }
  return
}

// -----

func.func @carry(%h: tensor<2xf32>, %x: tensor<3x2xf32>, %w: tensor<f32>) {
  %r:2 = phlox.scan 3 inits(%h : tensor<2xf32>) xs(%x : tensor<3x2xf32>) constants(%w : tensor<f32>)
    carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<f32>):
    // expected-error @+1 {{[scan_c3] a carry must keep its type 'tensor<2xf32>': got 'tensor<f32>'}}
    phlox.yield %k, %c : tensor<f32>, tensor<2xf32>
  }
  return
}

// -----

func.func @stacked(%h: tensor<2xf32>, %x: tensor<3x2xf32>, %w: tensor<f32>) {
  %r:2 = phlox.scan 3 inits(%h : tensor<2xf32>) xs(%x : tensor<3x2xf32>) constants(%w : tensor<f32>)
    carries(tensor<2xf32>) ys(tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %row: tensor<2xf32>, %k: tensor<f32>):
    // expected-error @+1 {{[scan_c3] a result must stack what is yielded, 'tensor<3xf32>': got 'tensor<3x2xf32>'}}
    phlox.yield %c, %k : tensor<2xf32>, tensor<f32>
  }
  return
}

// -----

func.func @outside(%x: tensor<f32>) {
  // expected-error @+1 {{expects parent op 'phlox.scan'}}
  phlox.yield %x : tensor<f32>
}
