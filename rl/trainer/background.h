// One thread that does one task at a time beside its owner.
#pragma once
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace phlox::rl {

/// Runs tasks in a thread of its own, one at a time.
///
/// Threads: one owner; what a task touches is the task's until wait() returns.
class Background {
public:
  Background() : thread_([this] { work(); }) {}
  Background(const Background &) = delete;
  Background &operator=(const Background &) = delete;
  ~Background() {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  /// Starts a task; wait() must come before the next one.
  void start(std::function<void()> task) {
    {
      std::lock_guard lock(mutex_);
      task_ = std::move(task);
      busy_ = true;
    }
    changed_.notify_all();
  }

  /// Waits for the task and throws what it threw.
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
    if (auto thrown = std::exchange(thrown_, nullptr))
      std::rethrow_exception(thrown);
  }

private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return busy_ || ending_; });
      if (!busy_)
        return;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        task_();
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      thrown_ = thrown;
      busy_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> task_;
  std::exception_ptr thrown_;
  bool busy_ = false, ending_ = false;
  std::thread thread_; // last: it uses the rest
};

} // namespace phlox::rl
