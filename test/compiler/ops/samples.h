// Valid inputs for every op: what a new op adds to be tested by law.
#pragma once
#include "test/support/graph_functions.h"
#include <ostream>

namespace phlox::test {

/// Fills one argument; `place` is its position.
using Fill = void (*)(HostTensor &tensor, unsigned place, Random &random);

/// One use of an op, at a point away from kinks and poles.
struct Sample {
  const char *op;        ///< mnemonic
  const char *arguments; ///< of the function: "%x: tensor<3xf32>"
  const char *text;      ///< the op
  Fill fill;
};
inline void PrintTo(const Sample &sample, std::ostream *out) {
  *out << sample.text;
}

ArrayRef<Sample> shapeSamples();
ArrayRef<Sample> reductionSamples();
ArrayRef<Sample> pointwiseSamples();
ArrayRef<Sample> otherSamples();
/// All of them.
std::vector<Sample> allSamples();
/// Draws a sample's arguments.
Tensors drawArguments(const Sample &sample, Function function, Random &random);

} // namespace phlox::test
