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
  const auto sharers = static_cast<std::int64_t>(shares_.size());
  for (std::int64_t k = 0; k < sharers; ++k) {
    Share &share = shares_[static_cast<std::size_t>(k)];
    share.next.store(static_cast<int>(count * k / sharers),
                     std::memory_order_relaxed);
    share.end = static_cast<int>(count * (k + 1) / sharers);
  }
  busy_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  take_tasks(0);
  // every thread reports back, so none of them can meet the next round's tasks
  for (int busy; (busy = busy_.load(std::memory_order_acquire)) != 0;)
    wait_while(busy_, busy);
}

void Workers::take_tasks(std::size_t self) {
  for (std::size_t k = 0; k < shares_.size(); ++k) {
    Share &share = shares_[(self + k) % shares_.size()];
    for (int i;
         (i = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;)
      (*task_)(i, static_cast<int>(self));
  }
}

void Workers::work(std::size_t self) {
  for (std::uint32_t seen = 0;;) {
    wait_while(round_, seen);
    ++seen; // rounds cannot be missed: each waits for all threads
    if (stop_)
      return;
    take_tasks(self);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      busy_.notify_one();
  }
}

} // namespace phlox::envs
