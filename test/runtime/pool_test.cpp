#include "test/runtime/support.h"
#include <chrono>
#include <gmock/gmock.h>
#include <immintrin.h>
#include <sys/resource.h>
#include <thread>

namespace phlox::runtime::test {
namespace {

class PoolTest : public testing::TestWithParam<int> {
protected:
  Executable executable = wrap();
  State state = make_state(executable);
};

TEST_P(PoolTest, RunsEachIndexOncePerRegion) {
  Pool pool = make_pool(GetParam());
  EXPECT_EQ(phlox_pool_threads(pool.get()), GetParam());
  Entry visit = make_entry(executable, "visit", pool.get());
  std::vector<std::int32_t> visits(1000);
  phlox_buffer out = buffer(visits);
  for (int round = 0; round < 300; ++round) {
    check(phlox_entry_run(visit.get(), state.get(), nullptr, 0, &out, 1));
    // one visit, and ten if the region before was seen whole
    ASSERT_EQ(visits, std::vector<std::int32_t>(1000, 11)) << round;
    // now and then long enough for the workers to fall asleep
    if (round % 50 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST_P(PoolTest, TasksFlushDenormalsAndTheHostKeepsItsMode) {
  Pool pool = make_pool(GetParam());
  bool together = GetParam() >= 3;
  Entry entry = make_entry(executable, together ? "meet" : "modes", pool.get());
  std::vector<std::uint32_t> met(3), met_modes(3), modes(64);
  std::vector<std::uint64_t> scratch(1);
  phlox_buffer meet_out[] = {buffer(met), buffer(met_modes)};
  phlox_buffer modes_out[] = {buffer(modes), buffer(scratch)};
  // rounding up, all exceptions masked, a sticky flag: as no default is
  constexpr unsigned host_mode = 0x1f80 | 0x4000 | 0x20;
  unsigned before = _mm_getcsr();
  _mm_setcsr(host_mode);
  phlox_status *status = phlox_entry_run(entry.get(), state.get(), nullptr, 0,
                                         together ? meet_out : modes_out, 2);
  unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  check(status);
  EXPECT_EQ(after, host_mode);
  for (std::uint32_t mode : together ? met_modes : modes)
    EXPECT_EQ(mode & ~0x3fu, 0x9fc0u);
}

TEST_P(PoolTest, TasksRunOnThreadsOfTheirOwn) {
  if (GetParam() < 3)
    return; // three tasks wait for each other
  Pool pool = make_pool(GetParam());
  Entry meet = make_entry(executable, "meet", pool.get());
  std::vector<std::uint32_t> met(3), modes(3);
  phlox_buffer out[] = {buffer(met), buffer(modes)};
  for (int round = 0; round < 10; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(round % 3));
    check(phlox_entry_run(meet.get(), state.get(), nullptr, 0, out, 2));
    ASSERT_EQ(met, std::vector<std::uint32_t>(3, 1));
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, PoolTest, testing::Values(1, 2, 3, 7));

TEST(Pool, ManyPoolsComeAndGo) {
  for (int i = 0; i < 50; ++i)
    make_pool(1 + i % 4);
}

TEST(Pool, TakesWhatTheMachineOffers) {
  EXPECT_GE(phlox_pool_threads(make_pool(0).get()), 1);
  EXPECT_EQ(phlox_pool_threads(nullptr), 1);
  phlox_pool_free(nullptr);
}

TEST(Pool, RefusesSillyCounts) {
  phlox_pool *out = nullptr;
  Result result = take(phlox_pool_create(-1, &out));
  EXPECT_EQ(result.code, PHLOX_INVALID_ARGUMENT);
  EXPECT_EQ(result.message, "threads must be in [0, 4096]: got -1");
  EXPECT_EQ(take(phlox_pool_create(5000, &out)).message,
            "threads must be in [0, 4096]: got 5000");
  EXPECT_EQ(take(phlox_pool_create(1, nullptr)).message,
            "out must not be null: got null");
}

#if !PHLOX_SANITIZED
TEST(Pool, StartsAllThreadsOrNone) {
  // room for the stacks of some threads
  rlimit before, small;
  getrlimit(RLIMIT_AS, &before);
  small = before;
  small.rlim_cur = rlim_t{1} << 30;
  setrlimit(RLIMIT_AS, &small);
  phlox_pool *out = nullptr;
  Result result = take(phlox_pool_create(4096, &out));
  setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(out, nullptr);
  EXPECT_EQ(result.code, PHLOX_SYSTEM);
  EXPECT_THAT(result.message,
              testing::MatchesRegex("pool must start 4095 threads: got [0-9]+: "
                                    "Resource temporarily unavailable"));
}
#endif

} // namespace
} // namespace phlox::runtime::test
