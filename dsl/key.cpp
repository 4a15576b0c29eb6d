#include "dsl/key.h"
#include "dsl/trace.h"

namespace phlox {

Key::Key(const Tensor &seed, const Tensor &step, std::string prefix,
         std::source_location at)
    : key(randomkey(seed, step, at)), prefix(std::move(prefix)) {}

std::string Key::stream(std::string_view name) const {
  return prefix + "/" + std::string(name);
}

Tensor Key::normal(std::string_view name, const Extents &shape,
                   std::source_location at) const {
  return phlox::normal(key, stream(name), shape, at);
}

Tensor Key::uniform(std::string_view name, const Extents &shape,
                    std::source_location at) const {
  return phlox::uniform(key, stream(name), shape, at);
}

Tensor Key::sign(std::string_view name, const Extents &shape,
                 std::source_location at) const {
  Tensor u = uniform(name, shape, at);
  return select(compare(Comparison::lt, u, 0.5, at), fill(u, shape, 1, at), -1,
                at);
}

Tensor Key::truncnormal(std::string_view name, const Operand &lower,
                        const Operand &upper, std::source_location at) const {
  // the sum has the shape that both broadcast to
  Extents shape = add(lower, upper, at).shape();
  auto full = [&](const Operand &bound) {
    return bound.is_number()
               ? fill(lower.is_number() ? upper.tensor : lower.tensor, shape,
                      bound.number, at)
           : bound.tensor.shape() == shape ? bound.tensor
                                           : phlox::broadcast(bound, shape, at);
  };
  return phlox::truncnormal(key, full(lower), full(upper), stream(name), at);
}

} // namespace phlox
