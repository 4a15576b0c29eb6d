// A few threads that share the environments of one vector step.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace phlox::envs {

/// Runs numbered tasks on a fixed set of threads; the caller is one of them.
///
/// Threads: one call of run() at a time.
class Workers {
public:
  /// Starts threads - 1 threads.
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers &) = delete;
  Workers &operator=(const Workers &) = delete;

  /// Runs task(i) for i in [0, count), each once, and returns when all are
  /// done. A task must not throw.
  void run(int count, const std::function<void(int)> &task);

private:
  void work();
  void take_tasks();

  const std::function<void(int)> *task_ = nullptr;
  int count_ = 0;
  bool stop_ = false;
  std::atomic<int> next_{0};            // first task that nobody has taken
  std::atomic<std::uint32_t> round_{0}; // call of run(), wakes the threads
  std::atomic<int> busy_{0};            // threads still in this round
  std::vector<std::thread> threads_;
};

} // namespace phlox::envs
