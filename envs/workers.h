// A few threads that share the environments of one vector step.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace phlox::envs {

/// Runs numbered tasks on a fixed set of threads; the caller is one of them.
/// Each thread begins with its own share, the same in every call, so that what
/// a task works on stays in its core's cache; who is done takes from others.
/// Nobody waits for a thread that has not woken up: its share is taken.
///
/// Threads: one call of run() at a time.
class Workers {
public:
  /// Starts threads - 1 threads.
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers &) = delete;
  Workers &operator=(const Workers &) = delete;

  /// One numbered task, and which of the threads runs it: the caller is 0.
  using Task = std::function<void(int task, int worker)>;

  /// Returns the number of threads, the caller among them.
  int count() const { return static_cast<int>(shares_.size()); }

  /// Runs task(i, worker) for i in [0, count), each once, and returns when all
  /// are done. A task must not throw.
  void run(int count, const Task &task);

private:
  /// Tasks of one round, on a cache line of their own.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> next{0}; // round << 32 | first that is not taken
    std::atomic<std::uint32_t> end{0};
  };

  void work(std::size_t self);
  void take_tasks(std::size_t self, std::uint32_t round);

  const Task *task_ = nullptr;
  std::vector<Share> shares_; // one per thread, the caller's first
  std::atomic<bool> stop_{false};
  std::atomic<std::uint32_t> round_{0}; // call of run(), wakes the threads
  std::atomic<int> left_{0};            // tasks of this round not done yet
  std::vector<std::thread> threads_;
};

} // namespace phlox::envs
