// Makes a random program step by step: every step computes something from what
// is there already.
#pragma once
#include "dsl/program.h"
#include "test/fuzz/recipe.h"
#include <optional>

namespace phlox::fuzz {

/// Extents that a program prefers, so that its tensors fit together.
struct Sizes {
  int64_t rows = 1;
  std::vector<int64_t> widths;
  /// A shape of rank 0 to `most`, its leading extent mostly `rows`.
  Extents shape(Choices &choices, int64_t most) const;
  int64_t width(Choices &choices) const { return choices.of(widths); }
};
Sizes chooseSizes(Choices &choices);

int64_t countOf(const Extents &shape);

class Maker {
public:
  Maker(Entry &entry, std::vector<Leaf> leaves, Leaf counter, Sizes sizes,
        Choices &frame);
  /// Adds one step.
  void step(Choices &choices);
  /// Writes leaves and adds outputs.
  void finish(Choices &choices);

  // what steps are made of

  /// Decisions of the step at hand.
  Choices &choose() const { return *choices; }
  /// A real value, mostly a late one.
  Tensor any() const { return late(values); }
  /// A real value of at least a rank; reshaped if there is none.
  Tensor ofRank(int64_t least);
  /// A new input of reals, or a leaf of that shape; in a body, numbers.
  Tensor input(const Extents &shape);
  /// A value that can be broadcast to a shape.
  Operand like(const Extents &shape);
  /// A value of a shape, made from another by slices, pads and broadcasts.
  Tensor fit(const Tensor &x, const Extents &shape);
  /// Truth of a shape, from a comparison or an input.
  Tensor truth(const Extents &shape);
  /// Indices of a shape.
  Tensor index(const Extents &shape);
  /// A scalar condition, as of every n-th step.
  Tensor occasion();
  /// x kept in (-1, 1) or as it is.
  Tensor tame(const Tensor &x);
  Key key();
  std::string name(const char *prefix);
  /// Whether a tensor of this shape is small enough to add.
  bool isSmall(const Extents &shape) const;
  /// Keeps a value for later steps.
  void keep(const Tensor &value);

  const Tensor &late(const std::vector<Tensor> &list) const;

  Entry &entry;
  Sizes sizes;
  int depth = 0;           ///< scan bodies that are open
  int64_t budget = 800000; ///< elements that may still be made
  std::vector<Tensor> values, truths, indices, counts;

private:
  std::vector<Leaf> leaves;
  Leaf counter;
  Choices *choices = nullptr;
  std::optional<Key> drawn;
  int named = 0;
};

/// A kind of step; `weight` is how often it is taken.
struct Kind {
  const char *name;
  int weight;
  bool inBodies; ///< may stand in the body of a scan
  void (*make)(Maker &m);
};
/// Kinds of steps, by the file that makes them.
std::vector<Kind> pointwiseKinds();
std::vector<Kind> shapeKinds();
std::vector<Kind> structureKinds();
std::vector<Kind> controlKinds();
std::vector<Kind> idiomKinds();
/// All of them.
const std::vector<Kind> &allKinds();

} // namespace phlox::fuzz
