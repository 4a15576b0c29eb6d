#include "envs/workers.h"

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

Workers::Workers(int threads) {
  for (int k = 1; k < threads; ++k)
    threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  stop_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread &thread : threads_)
    thread.join();
}

void Workers::run(int count, const std::function<void(int)> &task) {
  if (threads_.empty() || count == 1) {
    for (int i = 0; i < count; ++i)
      task(i);
    return;
  }
  task_ = &task;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  busy_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  take_tasks();
  // every thread reports back, so none of them can meet the next round's tasks
  for (int busy; (busy = busy_.load(std::memory_order_acquire)) != 0;)
    wait_while(busy_, busy);
}

void Workers::take_tasks() {
  for (int i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;)
    (*task_)(i);
}

void Workers::work() {
  for (std::uint32_t seen = 0;;) {
    wait_while(round_, seen);
    ++seen; // rounds cannot be missed: each waits for all threads
    if (stop_)
      return;
    take_tasks();
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      busy_.notify_one();
  }
}

} // namespace phlox::envs
