#include "envs/random.h"

#include <gtest/gtest.h>

namespace phlox::envs {
namespace {

// known answers of the generator's authors (Random123, kat_vectors)
TEST(RandomTest, KnownAnswers) {
  const auto expect = [](Words key, Words counter, Words words) {
    const Words got = threefry(key, counter);
    EXPECT_EQ(got.first, words.first);
    EXPECT_EQ(got.second, words.second);
  };
  expect({0, 0}, {0, 0}, {0x6b200159, 0x99ba4efe});
  expect({~0u, ~0u}, {~0u, ~0u}, {0x1cb996fc, 0xbb002be7});
  expect({0x13198a2e, 0x03707344}, {0x243f6a88, 0x85a308d3},
         {0xc4923a9c, 0x483df7a0});
  // the key of a program's noise: seed 0123456789abcdef, step 7
  expect({0x89abcdef, 0x01234567}, {7, 0}, {0xc8124617, 0x2077496e});
  EXPECT_EQ(hash_name("train_step/proposal"), 0xa8efc387u);
}

TEST(RandomTest, EveryPartOfTheNameMatters) {
  const auto first = [](std::uint64_t seed, const char *purpose,
                        std::uint32_t environment, std::uint64_t episode) {
    return Stream(seed, purpose, environment, episode).bits();
  };
  const std::uint64_t base = first(1, "env", 0, 0);
  EXPECT_EQ(first(1, "env", 0, 0), base);
  EXPECT_NE(first(2, "env", 0, 0), base);
  EXPECT_NE(first(1ull << 32 | 1, "env", 0, 0), base);
  EXPECT_NE(first(1, "eval", 0, 0), base);
  EXPECT_NE(first(1, "env", 1, 0), base);
  EXPECT_NE(first(1, "env", 0, 1), base);
  EXPECT_NE(first(1, "env", 0, 1ull << 32), base);
}

TEST(RandomTest, PositionIsAllThereIsToStore) {
  Stream stream(3, "env", 1, 2);
  stream.normal();
  stream.uniform();
  Stream resumed(3, "env", 1, 2, stream.position());
  EXPECT_EQ(stream.position(), 3u);
  for (int k = 0; k < 10; ++k)
    EXPECT_EQ(stream.normal(), resumed.normal());
}

TEST(RandomTest, Moments) {
  Stream stream(0, "env", 0, 0);
  const int count = 200000;
  double uniform = 0, uniform_square = 0, normal = 0, square = 0, fourth = 0;
  for (int k = 0; k < count; ++k) {
    const double u = stream.uniform(-1, 3), z = stream.normal();
    ASSERT_GE(u, -1);
    ASSERT_LT(u, 3);
    uniform += u / count;
    uniform_square += (u - 1) * (u - 1) / count;
    normal += z / count;
    square += z * z / count;
    fourth += z * z * z * z / count;
  }
  EXPECT_NEAR(uniform, 1, .01);
  EXPECT_NEAR(uniform_square, 16. / 12, .01);
  EXPECT_NEAR(normal, 0, .01);
  EXPECT_NEAR(square, 1, .015);
  EXPECT_NEAR(fourth, 3, .15);
}

} // namespace
} // namespace phlox::envs
