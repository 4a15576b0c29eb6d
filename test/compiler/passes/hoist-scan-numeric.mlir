// RUN: phlox-opt --phlox-evaluate %s | FileCheck %s
// RUN: phlox-opt --phlox-hoist-scan --phlox-evaluate %s | FileCheck %s

// a scan within a scan, each with work that leaves it
// CHECK-LABEL: @nested
func.func @nested() -> tensor<2x6xf32> {
  %k = phlox.constant dense<[1, 2]> : tensor<2xi32>
  %s = phlox.uniform %k, "s", [40, 30] : (tensor<2xi32>) -> tensor<40x30xf32>
  %w = phlox.uniform %k, "w", [30, 6] : (tensor<2xi32>) -> tensor<30x6xf32>
  %x = phlox.uniform %k, "x", [40, 6] : (tensor<2xi32>) -> tensor<40x6xf32>
  %r = phlox.scan 3 inits(%x : tensor<40x6xf32>) xs()
      constants(%s, %w : tensor<40x30xf32>, tensor<30x6xf32>) carries(tensor<40x6xf32>) {
  ^bb0(%c: tensor<40x6xf32>, %o: tensor<40x30xf32>, %v: tensor<30x6xf32>):
    %i = phlox.scan 4 inits(%c : tensor<40x6xf32>) xs()
        constants(%o, %v, %c : tensor<40x30xf32>, tensor<30x6xf32>, tensor<40x6xf32>)
        carries(tensor<40x6xf32>) {
    ^bb0(%d: tensor<40x6xf32>, %p: tensor<40x30xf32>, %q: tensor<30x6xf32>, %e: tensor<40x6xf32>):
      %y = phlox.matmul %p, %q : tensor<40x30xf32>, tensor<30x6xf32> -> tensor<40x6xf32>
      %f = phlox.tanh %y : tensor<40x6xf32>
      %g = phlox.mul %f, %e : tensor<40x6xf32>
      %h = phlox.sub %g, %d : tensor<40x6xf32>
      phlox.yield %h : tensor<40x6xf32>
    }
    phlox.yield %i : tensor<40x6xf32>
  }
  %z = phlox.slice %r, [19, 0], [2, 6] : tensor<40x6xf32> -> tensor<2x6xf32>
  // CHECK-NEXT: dense<{{\[}}[0.65225178, 0.0617054105, 0.927916705, 0.7379449, 0.0209129453, 0.426397145], [0.35316819, 0.500103414, 0.779203712, 0.738572418, 0.966632783, 0.0437287688]]>
  return %z : tensor<2x6xf32>
}
