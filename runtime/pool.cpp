#include "runtime/pool.h"
#include "runtime/cores.h"
#include "runtime/status.h"
#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

// waking a sleeper costs a few microseconds, in a virtual machine some tens;
// between two steps an environment's step and a batch of replay fit in
constexpr std::int64_t default_spin_ns = 200'000;
constexpr std::int64_t largest_block = std::int64_t{1} << 31;

void pause_core() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

std::int64_t now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void futex_wait(std::atomic<std::uint32_t> &word, std::uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<std::uint32_t> &word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

// spins until the condition holds or the time is up
template <class F> bool spin_until(F &&condition, std::int64_t spin_ns) {
  if (condition())
    return true;
  std::int64_t end = spin_ns > 0 ? now_ns() + spin_ns : 0;
  while (spin_ns > 0) {
    for (int i = 0; i < 32; ++i) {
      pause_core();
      if (condition())
        return true;
    }
    if (now_ns() > end)
      break;
  }
  return false;
}

} // namespace

struct phlox_pool::Worker {
  phlox_pool *pool;
  std::size_t index;
  pthread_t thread;
};

phlox_pool::phlox_pool(int threads)
    : chunks_size_(static_cast<std::size_t>(threads)),
      chunks_(new Chunk[chunks_size_]),
      // with more threads than cores a spinning one keeps a working one away
      spin_ns_(threads <= phlox::runtime::available_cores() ? default_spin_ns
                                                            : 0) {
  // signals belong to the host's own threads, but for crashes and profilers
  sigset_t most, before;
  sigfillset(&most);
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGPROF})
    sigdelset(&most, signal);
  pthread_sigmask(SIG_SETMASK, &most, &before);
  int error = 0;
  try {
    workers_.reserve(chunks_size_);
    for (std::size_t i = 1; i < chunks_size_ && error == 0; ++i) {
      auto worker = std::make_unique<Worker>(Worker{this, i, {}});
      error =
          pthread_create(&worker->thread, nullptr, worker_main, worker.get());
      if (error == 0)
        workers_.push_back(std::move(worker));
    }
  } catch (const std::bad_alloc &) {
    error = ENOMEM;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    stop();
    throw phlox::runtime::StatusError(
        PHLOX_SYSTEM, "pool must start " + std::to_string(threads - 1) +
                          " threads: got " + std::to_string(workers_.size()) +
                          ": " + std::strerror(error));
  }
}

phlox_pool::~phlox_pool() { stop(); }

void phlox_pool::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  futex_wake(epoch_, INT32_MAX);
  for (auto &worker : workers_)
    pthread_join(worker->thread, nullptr);
}

void *phlox_pool::worker_main(void *argument) {
  auto *worker = static_cast<Worker *>(argument);
  phlox_pool &pool = *worker->pool;
  pthread_setname_np(pthread_self(), "phlox-worker");
  phlox::runtime::FloatMode mode;
  std::uint32_t seen = 0;
  while (true) {
    auto changed = [&] {
      return pool.epoch_.load(std::memory_order_acquire) != seen;
    };
    if (!spin_until(changed, pool.spin_ns_))
      pool.park(seen);
    seen = pool.epoch_.load(std::memory_order_acquire);
    if (pool.stopping_.load(std::memory_order_relaxed))
      return nullptr;
    pool.work(worker->index);
  }
}

void phlox_pool::park(std::uint32_t seen) {
  // the caller publishes, then counts sleepers; we count ourselves, then look
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  while (epoch_.load(std::memory_order_seq_cst) == seen)
    futex_wait(epoch_, seen);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

void phlox_pool::work(std::size_t self) {
  std::int64_t done = 0;
  for (std::size_t step = 0; step < chunks_size_; ++step) {
    std::size_t owner = (self + step) % chunks_size_;
    std::atomic<std::uint64_t> &state = chunks_[owner].state;
    std::uint64_t word = state.load(std::memory_order_acquire);
    while (std::uint32_t left = static_cast<std::uint32_t>(word)) {
      if (!state.compare_exchange_weak(word, word - 1,
                                       std::memory_order_acq_rel,
                                       std::memory_order_acquire))
        continue;
      // claimed: the region cannot end, its fields cannot change
      std::int64_t count = count_.load(std::memory_order_relaxed);
      auto chunks = static_cast<std::int64_t>(chunks_size_);
      std::int64_t end = count * static_cast<std::int64_t>(owner + 1) / chunks;
      task_.load(std::memory_order_relaxed)(
          call_.load(std::memory_order_relaxed),
          loops_.load(std::memory_order_relaxed),
          first_.load(std::memory_order_relaxed) + end - left);
      ++done;
      word = state.load(std::memory_order_acquire);
    }
  }
  if (done > 0)
    finish(done);
}

void phlox_pool::finish(std::int64_t tasks) {
  if (pending_.fetch_sub(tasks, std::memory_order_seq_cst) == tasks &&
      waiting_.load(std::memory_order_seq_cst) != 0) {
    waiting_.store(0, std::memory_order_seq_cst);
    futex_wake(waiting_, 1);
  }
}

void phlox_pool::wait_for_tasks() {
  auto finished = [&] { return pending_.load(std::memory_order_seq_cst) == 0; };
  while (!spin_until(finished, spin_ns_)) {
    waiting_.store(1, std::memory_order_seq_cst);
    if (!finished())
      futex_wait(waiting_, 1);
    waiting_.store(0, std::memory_order_relaxed);
  }
}

void phlox_pool::run_block(std::int64_t first, std::int64_t count) {
  first_.store(first, std::memory_order_relaxed);
  count_.store(count, std::memory_order_relaxed);
  pending_.store(count, std::memory_order_relaxed);
  std::uint32_t tag = epoch_.load(std::memory_order_relaxed) + 1;
  auto chunks = static_cast<std::int64_t>(chunks_size_);
  for (std::int64_t i = 0; i < chunks; ++i) {
    std::int64_t size = count * (i + 1) / chunks - count * i / chunks;
    chunks_[i].state.store(std::uint64_t{tag} << 32 |
                               static_cast<std::uint64_t>(size),
                           std::memory_order_release);
  }
  epoch_.store(tag, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0)
    futex_wake(epoch_, static_cast<int>(std::min(count - 1, chunks - 1)));
  work(0);
  wait_for_tasks();
}

void phlox_pool::run(const phlox_call *call, phlox_task *task,
                     const int64_t *loops, int64_t count) {
  call_.store(call, std::memory_order_relaxed);
  task_.store(task, std::memory_order_relaxed);
  loops_.store(loops, std::memory_order_relaxed);
  for (std::int64_t first = 0; first < count; first += largest_block)
    run_block(first, std::min(count - first, largest_block));
}

namespace phlox::runtime {

FloatMode::FloatMode() {
#if defined(__x86_64__)
  constexpr unsigned masked_exceptions = 0x1f80, flush_and_zero = 0x8040;
  saved_ = _mm_getcsr();
  _mm_setcsr(masked_exceptions | flush_and_zero);
#endif
}

FloatMode::~FloatMode() {
#if defined(__x86_64__)
  _mm_setcsr(saved_);
#endif
}

void parallel_for_on_pool(const phlox_call *call, phlox_task *task,
                          const int64_t *loops, int64_t count) {
  // one task needs no company
  if (count <= 1)
    return parallel_for_in_order(call, task, loops, count);
  static_cast<phlox_pool *>(call->pool)->run(call, task, loops, count);
}

void parallel_for_in_order(const phlox_call *call, phlox_task *task,
                           const int64_t *loops, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    task(call, loops, i);
}

} // namespace phlox::runtime

using namespace phlox::runtime;

phlox_status *phlox_pool_create(int threads, phlox_pool **out) {
  return guarded([&] {
    require(out, "out");
    *out = nullptr;
    constexpr int most_threads = 4096;
    if (threads < 0 || threads > most_threads)
      throw StatusError(PHLOX_INVALID_ARGUMENT,
                        "threads must be in [0, " +
                            std::to_string(most_threads) + "]: got " +
                            std::to_string(threads));
    *out = new phlox_pool(threads == 0 ? available_cores() : threads);
  });
}

int phlox_pool_threads(const phlox_pool *pool) {
  return pool ? pool->threads() : 1;
}

void phlox_pool_free(phlox_pool *pool) { delete pool; }
