// Equal rows are rounded alike, so that the error of a sum of 70 products of
// theirs is 70 times that of one; a bound took the errors for independent.
module attributes {phlox.leaves = [], phlox.program = "fuzz"} {
  func.func @f(%arg0: tensor<1x40xf32> {phlox.input = "x0"}, %arg1: tensor<1x37xf32> {phlox.input = "x1"}) -> (tensor<40x37xf32> {phlox.output = "y2"}) {
    %0 = phlox.tanh %arg0 : tensor<1x40xf32>
    %1 = phlox.broadcast %0, [70, 40] : tensor<1x40xf32> -> tensor<70x40xf32>
    %2 = phlox.transpose %1, [1, 0] : tensor<70x40xf32> -> tensor<40x70xf32>
    %3 = phlox.tanh %arg1 : tensor<1x37xf32>
    %4 = phlox.broadcast %3, [70, 37] : tensor<1x37xf32> -> tensor<70x37xf32>
    %5 = phlox.matmul %2, %4 : tensor<40x70xf32>, tensor<70x37xf32> -> tensor<40x37xf32>
    %6 = phlox.mish %5 : tensor<40x37xf32>
    return %6 : tensor<40x37xf32>
  }
}
