#include "rl/algorithms/residual.h"
#include <cmath>

namespace phlox::rl {
namespace {

constexpr double norm_epsilon = 1e-6;
// deviation of a normal number cut at twice its own
constexpr double cut_deviation = 0.87962566103423978;

Tensor normed(const Tensor &x, const Tensor &scale, const Tensor &shift) {
  return layernorm(x, norm_epsilon) * scale + shift;
}

} // namespace

Tensor residual_block(std::span<const Tensor> leaves, const Tensor &x) {
  Tensor h = normed(x, leaves[0], leaves[1]);
  return x +
         linear(relu(linear(h, leaves[2], leaves[3])), leaves[4], leaves[5]);
}

ResidualNetwork::ResidualNetwork(Program &program, const std::string &name,
                                 int64_t inputs, const ResidualShape &shape,
                                 int64_t outputs)
    : name_(name), shape_(shape) {
  std::vector<Leaf> leaves;
  auto add = [&](const std::string &leaf, Extents extents) {
    leaves.push_back(program.leaf(name + "/" + leaf, std::move(extents)));
  };
  auto add_linear = [&](const std::string &layer, int64_t in, int64_t out) {
    add(layer + "/weight", {in, out});
    add(layer + "/bias", {out});
  };
  int64_t width = shape.width, wide = width * shape.expansion;
  add_linear("input", inputs, width);
  for (int64_t i = 1; i <= shape.blocks; ++i) {
    std::string block = "block" + std::to_string(i) + "/";
    add(block + "scale", {width});
    add(block + "shift", {width});
    add_linear(block + "up", width, wide);
    add_linear(block + "down", wide, width);
  }
  add("scale", {width});
  add("shift", {width});
  add_linear("output", width, outputs);
  parameters_ = Parameters(std::move(leaves));
}

void ResidualNetwork::init(Entry &entry, const Key &key) const {
  for (const Leaf &leaf : parameters_.leaves()) {
    bool in_block = leaf.name().starts_with(name_ + "/block");
    if (leaf.shape().size() == 1) {
      entry.write(leaf, leaf.name().ends_with("/scale") ? 1 : 0);
    } else if (in_block) {
      double inputs = static_cast<double>(leaf.shape().front());
      Tensor two = fill(entry.scalar(0), leaf.shape(), 2);
      entry.write(leaf, key.truncnormal(leaf.name(), -two, two) *
                            (std::sqrt(2 / inputs) / cut_deviation));
    } else {
      entry.write(leaf, orthogonal(key.normal(leaf.name(), leaf.shape())));
    }
  }
}

Tensor ResidualNetwork::operator()(const std::vector<Tensor> &parameters,
                                   const Tensor &x) const {
  std::span<const Tensor> left = parameters;
  auto take = [&](size_t count) {
    auto taken = left.first(count);
    left = left.subspan(count);
    return taken;
  };
  auto scoped = [&](const std::string &part, auto make) {
    Scope scope(x.trace(), name_ + "/" + part);
    return make();
  };
  auto input = take(2);
  Tensor h = scoped("input", [&] { return linear(x, input[0], input[1]); });
  for (int64_t i = 1; i <= shape_.blocks; ++i) {
    auto leaves = take(block_leaves);
    h = scoped("block" + std::to_string(i),
               [&] { return residual_block(leaves, h); });
  }
  return scoped("output", [&] {
    return linear(normed(h, left[0], left[1]), left[2], left[3]);
  });
}

} // namespace phlox::rl
