#include "envs/workers.h"

#include <atomic>
#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace phlox::envs {
namespace {

class WorkersTest : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Threads, WorkersTest, ::testing::Values(1, 2, 3, 8));

// more threads than cores: some are late for their round
TEST_P(WorkersTest, EveryTaskRunsOnceInItsRound) {
  Workers workers(GetParam());
  EXPECT_EQ(workers.count(), GetParam());
  for (int round = 0; round < 500; ++round) {
    const int count = round % 17;
    std::vector<int> runs(static_cast<std::size_t>(count)), by(runs);
    workers.run(count, [&](int task, int worker) {
      ++runs[static_cast<std::size_t>(task)];
      by[static_cast<std::size_t>(task)] = worker;
    });
    ASSERT_THAT(runs, ::testing::Each(1)) << "round " << round;
    ASSERT_THAT(by, ::testing::Each(::testing::AllOf(
                        ::testing::Ge(0), ::testing::Lt(GetParam()))));
  }
}

TEST(WorkersTest, WhatTookLongestComesFirst) {
  Workers workers(2);
  const auto round = [&] {
    std::atomic<int> started = 0;
    std::vector<int> place(8);
    workers.run(8, [&](int task, int) {
      place[static_cast<std::size_t>(task)] = started++;
      if (task == 3 || task == 6)
        std::this_thread::sleep_for(std::chrono::milliseconds(task));
    });
    return place;
  };
  round();
  const std::vector<int> place = round();
  EXPECT_LE(place[6], 1);
  EXPECT_LE(place[3], 1 + place[6]);
}

} // namespace
} // namespace phlox::envs
