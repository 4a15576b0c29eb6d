// The numbers that decide what a random program is: a recipe can be cut down
// and always gives a program.
#pragma once
#include "dsl/program.h"
#include <cstdint>
#include <string>
#include <vector>

namespace phlox::fuzz {

/// Decisions of one part of a program; 0 is the simplest answer of each, and
/// numbers that lack count as 0.
using Decisions = std::vector<uint32_t>;

struct Recipe {
  Decisions frame;              ///< extents and leaves
  std::vector<Decisions> steps; ///< what is computed, one after the other
  bool operator==(const Recipe &) const = default;
};

/// Draws a recipe.
Recipe drawRecipe(uint64_t seed);

/// Answers questions from decisions, and notes the answers.
class Choices {
public:
  explicit Choices(const Decisions &decisions) : decisions(decisions) {}
  /// One of 0 ... count - 1.
  int64_t pick(int64_t count);
  /// Yes, once in `count`.
  bool once(int64_t count) { return pick(count) == count - 1; }
  template <class T> const T &of(const std::vector<T> &list) {
    return list[pick(int64_t(list.size()))];
  }
  /// What was answered so far: equal decisions, the smallest that do.
  const Decisions &answers() const { return noted; }

private:
  const Decisions &decisions;
  Decisions noted;
};

/// Makes the program of a recipe, with one entry point, "f". `used` receives
/// the recipe as it was read.
Program makeProgram(const Recipe &recipe, Recipe *used = nullptr);

} // namespace phlox::fuzz
