// An entry point without any op had an artifact without any kernel in eager
// mode, which the runtime refused.
module attributes {phlox.leaves = [{name = "p", type = tensor<1x1xf32>}], phlox.program = "copies"} {
  func.func @f(%p: tensor<1x1xf32> {phlox.leaf = "p"}, %x: tensor<1x1xf32> {phlox.input = "x"}) -> (tensor<1x1xf32> {phlox.leaf = "p"}, tensor<1x1xf32> {phlox.output = "y"}) {
    return %x, %x : tensor<1x1xf32>, tensor<1x1xf32>
  }
}
