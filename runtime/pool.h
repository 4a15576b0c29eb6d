// The thread pool behind phlox_call::parallel_for.
//
// A region's tasks are dealt out in contiguous chunks, one per thread, so that
// a thread meets the same rows again in the next region; a thread that is done
// with its chunk takes from the others. A worker that wakes late therefore
// costs nothing but its help, and nobody waits for a thread that holds no task.
#pragma once
#include "phlox/executable.h"
#include <atomic>
#include <cstdint>
#include <memory>
#include <pthread.h>
#include <vector>

struct phlox_pool {
public:
  /// Starts threads - 1 workers.
  ///
  /// Errors:  StatusError SYSTEM if the system refuses a thread.
  explicit phlox_pool(int threads);
  phlox_pool(const phlox_pool &) = delete;
  phlox_pool &operator=(const phlox_pool &) = delete;
  ~phlox_pool();

  int threads() const { return static_cast<int>(chunks_size_); }
  /// Claims the pool for one run; false if one is under way.
  bool claim() { return !busy_.exchange(true, std::memory_order_acquire); }
  void release() { busy_.store(false, std::memory_order_release); }
  /// Runs all tasks of one region and returns when they are done.
  void run(const phlox_call *call, phlox_task *task, const int64_t *loops,
           int64_t count);

private:
  struct Worker;
  // tag in the upper half, unclaimed tasks in the lower: a claim succeeds only
  // while its region is under way
  struct alignas(64) Chunk {
    std::atomic<std::uint64_t> state{0};
  };

  static void *worker_main(void *worker);
  void work(std::size_t self);
  void run_block(std::int64_t first, std::int64_t count);
  void finish(std::int64_t tasks);
  void wait_for_tasks();
  void park(std::uint32_t seen);
  void stop();

  std::size_t chunks_size_;
  std::unique_ptr<Chunk[]> chunks_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::int64_t spin_ns_;
  std::atomic<bool> busy_{false};

  // the region under way; read only after a claim
  std::atomic<const phlox_call *> call_{nullptr};
  std::atomic<phlox_task *> task_{nullptr};
  std::atomic<const int64_t *> loops_{nullptr};
  std::atomic<std::int64_t> first_{0}, count_{0};

  alignas(64) std::atomic<std::uint32_t> epoch_{0};
  std::atomic<std::uint32_t> sleepers_{0};
  std::atomic<bool> stopping_{false};
  // tasks not yet done; the caller sleeps on `waiting_`
  alignas(64) std::atomic<std::int64_t> pending_{0};
  std::atomic<std::uint32_t> waiting_{0};
};

namespace phlox::runtime {

/// Sets flush-to-zero and denormals-are-zero, rounding to nearest and masked
/// exceptions; the destructor restores what was there.
class FloatMode {
public:
  FloatMode();
  FloatMode(const FloatMode &) = delete;
  FloatMode &operator=(const FloatMode &) = delete;
  ~FloatMode();

private:
  unsigned saved_ = 0;
};

/// The two forms of phlox_call::parallel_for: on a pool and in a plain loop.
void parallel_for_on_pool(const phlox_call *call, phlox_task *task,
                          const int64_t *loops, int64_t count);
void parallel_for_in_order(const phlox_call *call, phlox_task *task,
                           const int64_t *loops, int64_t count);

} // namespace phlox::runtime
