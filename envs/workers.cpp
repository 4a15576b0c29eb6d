#include "envs/workers.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace phlox::envs {
namespace {

void pause_core() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// waits until the value is another one: some microseconds awake, then asleep
template <class T> void wait_while(const std::atomic<T> &value, T old) {
  for (int spin = 0; spin < 512; ++spin) {
    if (value.load(std::memory_order_acquire) != old)
      return;
    pause_core();
  }
  value.wait(old, std::memory_order_acquire);
}

} // namespace

Workers::Workers(int threads)
    : shares_(static_cast<std::size_t>(std::max(threads, 1))) {
  for (std::size_t k = 1; k < shares_.size(); ++k)
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
  left_.store(count, std::memory_order_relaxed);
  const std::uint32_t round = round_.load(std::memory_order_relaxed) + 1;
  const auto tasks = static_cast<std::uint64_t>(count);
  for (std::size_t k = 0; k < shares_.size(); ++k) {
    Share &share = shares_[k];
    share.end.store(
        static_cast<std::uint32_t>(tasks * (k + 1) / shares_.size()),
        std::memory_order_relaxed);
    share.next.store(std::uint64_t{round} << 32 | tasks * k / shares_.size(),
                     std::memory_order_release);
  }
  round_.store(round, std::memory_order_release);
  round_.notify_all();
  take_tasks(0, round);
  for (int left; (left = left_.load(std::memory_order_acquire)) != 0;)
    wait_while(left_, left);
}

// a thread that is late finds the number of another round and takes nothing; a
// task that is taken keeps the round from ending
void Workers::take_tasks(std::size_t self, std::uint32_t round) {
  int done = 0;
  for (std::size_t k = 0; k < shares_.size(); ++k) {
    Share &share = shares_[(self + k) % shares_.size()];
    std::uint64_t next = share.next.load(std::memory_order_acquire);
    while (next >> 32 == round && static_cast<std::uint32_t>(next) <
                                      share.end.load(std::memory_order_relaxed))
      if (share.next.compare_exchange_weak(next, next + 1,
                                           std::memory_order_acq_rel,
                                           std::memory_order_acquire)) {
        (*task_)(static_cast<int>(static_cast<std::uint32_t>(next)),
                 static_cast<int>(self));
        ++done;
        next = share.next.load(std::memory_order_acquire);
      }
  }
  if (done > 0 && left_.fetch_sub(done, std::memory_order_acq_rel) == done)
    left_.notify_one();
}

void Workers::work(std::size_t self) {
  for (std::uint32_t seen = 0;;) {
    wait_while(round_, seen);
    seen = round_.load(std::memory_order_acquire);
    if (stop_)
      return;
    take_tasks(self, seen);
  }
}

} // namespace phlox::envs
