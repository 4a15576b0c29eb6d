// Residual networks with normalised branches.
#pragma once
#include "rl/algorithms/networks.h"
#include <span>

namespace phlox::rl {

/// How a residual network looks, apart from what enters and leaves it.
struct ResidualShape {
  int64_t width = 256;   ///< H, of what the blocks add to
  int64_t blocks = 2;    ///< how many
  int64_t expansion = 4; ///< of a block's hidden layer, in widths
};

/// Leaves of one block: scale, shift (H), W1 (H, E), b1 (E), W2 (E, H), b2 (H).
constexpr size_t block_leaves = 6;

/// Computes x + W2 relu(W1 norm(x) + b1) + b2; norm(x) has rows of mean 0 and
/// variance 1, times scale, plus shift.
///
/// Shapes:  x (..., H), the block's leaves in order -> as x.
/// Source:  Lee et al. 2024 (SimBa), arXiv 2410.09754.
Tensor residual_block(std::span<const Tensor> leaves, const Tensor &x);

/// A linear layer, residual blocks, a normalisation and a linear output.
///
/// Leaves NAME/input/{weight, bias}, NAME/blockI/{scale, shift, up/weight,
/// up/bias, down/weight, down/bias}, I from 1, NAME/{scale, shift},
/// NAME/output/{weight, bias}.
class ResidualNetwork {
public:
  ResidualNetwork() = default;
  ResidualNetwork(Program &program, const std::string &name, int64_t inputs,
                  const ResidualShape &shape, int64_t outputs);

  const Parameters &parameters() const { return parameters_; }
  /// Writes first values: weights of input and output orthogonal, of blocks
  /// normal of scale sqrt(2 / in), cut at two deviations; scales 1, others 0.
  void init(Entry &entry, const Key &key) const;
  /// Shapes:  x (..., inputs) -> (..., outputs).
  Tensor operator()(const std::vector<Tensor> &parameters,
                    const Tensor &x) const;

private:
  std::string name_;
  Parameters parameters_;
  ResidualShape shape_;
};

} // namespace phlox::rl
