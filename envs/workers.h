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
/// A free thread takes the task that took longest in the call before: a step of
/// a simulation costs about what the last one did (correlation .5 to .7 between
/// steps of HalfCheetah, Humanoid, Hopper), and with the short ones at the end
/// the threads end together. Nobody waits for a thread that has not woken up.
///
/// Threads: one call of run() at a time.
/// Source: Graham, Bounds on multiprocessing timing anomalies, 1969.
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
  int count() const { return static_cast<int>(threads_.size()) + 1; }

  /// Runs task(i, worker) for i in [0, count), each once, and returns when all
  /// are done. A task must not throw.
  void run(int count, const Task &task);

private:
  void work(int self);
  void take_tasks(int self, std::uint32_t round);

  const Task *task_ = nullptr;
  std::vector<std::int64_t> cost_; // of each task in the last round, ns
  std::vector<int> order_;         // of the tasks in this round
  // round << 32 | how many are taken
  alignas(64) std::atomic<std::uint64_t> taken_{0};
  alignas(64) std::atomic<bool> stop_{false};
  std::atomic<std::uint32_t> round_{0}; // call of run(), wakes the threads
  std::atomic<int> left_{0};            // tasks of this round not done yet
  std::vector<std::thread> threads_;
};

} // namespace phlox::envs
