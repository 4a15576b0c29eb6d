// A product read the rows of the one before it through a reshape, and was run
// tile by tile with it all the same.
module attributes {phlox.leaves = [], phlox.program = "reshape"} {
  func.func @f(%x: tensor<1024x4xf32> {phlox.input = "x"}, %w: tensor<4x4xf32> {phlox.input = "w"}) -> (tensor<1024x1024xf32> {phlox.output = "product"}) {
    %0 = phlox.matmul %x, %w : tensor<1024x4xf32>, tensor<4x4xf32> -> tensor<1024x4xf32>
    %1 = phlox.tanh %0 : tensor<1024x4xf32>
    %2 = phlox.reshape %1, [4, 1024] : tensor<1024x4xf32> -> tensor<4x1024xf32>
    %3 = phlox.matmul %1, %2 : tensor<1024x4xf32>, tensor<4x1024xf32> -> tensor<1024x1024xf32>
    return %3 : tensor<1024x1024xf32>
  }
}
