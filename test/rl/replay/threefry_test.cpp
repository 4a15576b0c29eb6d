#include "rl/replay/threefry.h"
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace phlox::rl {
namespace {

TEST(Threefry, GivesThePublishedAnswers) {
  EXPECT_EQ(threefry2x32({0, 0}, {0, 0}), (Words{0x6b200159, 0x99ba4efe}));
  EXPECT_EQ(threefry2x32({~0u, ~0u}, {~0u, ~0u}),
            (Words{0x1cb996fc, 0xbb002be7}));
  EXPECT_EQ(threefry2x32({0x13198a2e, 0x03707344}, {0x243f6a88, 0x85a308d3}),
            (Words{0xc4923a9c, 0x483df7a0}));
}

TEST(Threefry, DrawsWhatCompiledProgramsDraw) {
  EXPECT_EQ(fnv1a("train_step/proposal"), 0xa8efc387u);
  Stream stream(0x0123456789abcdef, "train_step/proposal", 7);
  const std::pair<std::uint64_t, std::uint32_t> wanted[] = {
      {0, 0x58f72195},  {1, 0x86435a31},  {15, 0x4c9cdfc8},    {16, 0x496d2c15},
      {31, 0x4a09fb30}, {32, 0x85d047e5}, {153599, 0x378178e5}};
  for (auto [element, bits] : wanted)
    EXPECT_EQ(stream.bits(element), bits) << element;
  EXPECT_EQ(stream.uniform(0), 0x1.63dc84p-2f);
  EXPECT_EQ(stream.uniform(1), 0x1.0c86b6p-1f);
}

TEST(Threefry, DrawsWholeNumbersEvenly) {
  Stream stream(3, "replay", 11);
  std::vector<int> counts(10);
  for (std::uint64_t i = 0; i < 100'000; ++i)
    ++counts.at(stream.below(i, 10));
  for (int count : counts)
    EXPECT_NEAR(count, 10'000, 5 * 95); // five standard deviations
  EXPECT_EQ(stream.below(0, 1), 0u);
}

TEST(Threefry, GivesOtherNumbersForOtherSeedStreamStep) {
  std::set<std::uint32_t> seen;
  for (std::uint64_t seed : {1, 2})
    for (const char *name : {"replay", "warmup"})
      for (std::uint64_t step : {0, 1})
        seen.insert(Stream(seed, name, step).bits(0));
  EXPECT_EQ(seen.size(), 8u);
}

} // namespace
} // namespace phlox::rl
