#include "envs/workers.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace phlox::envs {
namespace {

using Clock = std::chrono::steady_clock;

void pause_core() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// waits until the value is another one: as long as a step takes, then asleep
template <class T> void wait_while(const std::atomic<T> &value, T old) {
  for (int spin = 0; spin < 4096; ++spin) {
    if (value.load(std::memory_order_acquire) != old)
      return;
    pause_core();
  }
  value.wait(old, std::memory_order_acquire);
}

} // namespace

Workers::Workers(int threads) {
  for (int k = 1; k < threads; ++k)
    threads_.emplace_back([this, k] { work(k); });
}

Workers::~Workers() {
  stop_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread &thread : threads_)
    thread.join();
}

void Workers::run(int count, const Task &task) {
  if (threads_.empty() || count == 1) {
    for (int i = 0; i < count; ++i)
      task(i, 0);
    return;
  }
  task_ = &task;
  if (order_.size() != static_cast<std::size_t>(count)) {
    cost_.assign(static_cast<std::size_t>(count), 0);
    order_.resize(cost_.size());
    std::iota(order_.begin(), order_.end(), 0);
  }
  std::ranges::sort(order_, [&](int x, int y) {
    return std::pair(-cost_[static_cast<std::size_t>(x)], x) <
           std::pair(-cost_[static_cast<std::size_t>(y)], y);
  });
  left_.store(count, std::memory_order_relaxed);
  const std::uint32_t round = round_.load(std::memory_order_relaxed) + 1;
  taken_.store(std::uint64_t{round} << 32, std::memory_order_release);
  round_.store(round, std::memory_order_release);
  round_.notify_all();
  take_tasks(0, round);
  for (int left; (left = left_.load(std::memory_order_acquire)) != 0;)
    wait_while(left_, left);
}

// a thread that is late finds the number of another round and takes nothing; a
// task that is taken keeps the round from ending
void Workers::take_tasks(int self, std::uint32_t round) {
  int done = 0;
  auto before = Clock::now();
  std::uint64_t taken = taken_.load(std::memory_order_acquire);
  while (taken >> 32 == round &&
         static_cast<std::uint32_t>(taken) < order_.size())
    if (taken_.compare_exchange_weak(taken, taken + 1,
                                     std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
      const int task = order_[static_cast<std::uint32_t>(taken)];
      (*task_)(task, self);
      const auto now = Clock::now();
      cost_[static_cast<std::size_t>(task)] =
          std::chrono::nanoseconds(now - before).count();
      before = now;
      ++done;
      taken = taken_.load(std::memory_order_acquire);
    }
  if (done > 0 && left_.fetch_sub(done, std::memory_order_acq_rel) == done)
    left_.notify_one();
}

void Workers::work(int self) {
  for (std::uint32_t seen = 0;;) {
    wait_while(round_, seen);
    seen = round_.load(std::memory_order_acquire);
    if (stop_)
      return;
    take_tasks(self, seen);
  }
}

} // namespace phlox::envs
