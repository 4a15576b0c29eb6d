// First-in-first-out memory of transitions, float32, drawn from uniformly.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace phlox::rl {

struct ReplayShape {
  std::int64_t capacity = 1'000'000; // transitions
  int obs_size = 0, action_size = 0; // O, A
  int num_envs = 1;                  // n, environments that are interleaved
  std::int64_t segment = 65'536;     // transitions per segment
};

/// One vector step of n environments.
///
/// Shapes:  obs, next_obs (n, O); action (n, A); reward, terminated,
///          truncated (n). next_obs is the true successor.
struct VectorStep {
  std::span<const float> obs, action, next_obs;
  std::span<const double> reward;
  std::span<const std::uint8_t> terminated, truncated;
};

/// Where a batch of B transitions goes.
///
/// Shapes:  obs, next_obs (B, O); action (B, A); reward, terminated (B).
struct BatchSpans {
  std::span<float> obs, action, reward, next_obs, terminated;
};

/// A fixed number of transitions in the order of their arrival: what is
/// written to disk as one file and does not change once it is full.
struct ReplaySegment {
  std::vector<float> obs, action, reward; // (filled, O), (filled, A), (filled)
  std::vector<std::uint8_t> terminated, truncated; // (filled)
  std::vector<std::int32_t> end_at; // where episodes ended, ascending
  std::vector<float> end_obs;       // (ends, O), their true final observations
  std::int64_t filled = 0;
  std::string file, sha256; // as last written; empty if changed since
};

/// Keeps the newest `capacity` transitions.
///
/// Units:   4 (O + A + 1) + 2 bytes per transition and 4 O + 4 per episode end;
///          memory is taken segment by segment, at most one segment more than
///          the capacity needs.
/// Threads: one caller at a time.
class Replay {
public:
  explicit Replay(const ReplayShape &shape);

  /// Appends n transitions, one per environment; the oldest make room.
  void add(const VectorStep &step);

  /// Draws transitions uniformly with replacement, without allocation; what is
  /// drawn depends on (seed, update) and the contents alone.
  ///
  /// Errors:  std::runtime_error if there is nothing to draw from.
  void sample(std::uint64_t seed, std::uint64_t update,
              const BatchSpans &batch) const;

  /// Copies one transition; `index` counts all transitions ever added.
  void read(std::int64_t index, std::int64_t row,
            const BatchSpans &batch) const;
  bool truncated(std::int64_t index) const;
  /// Returns the observation (O) of one transition.
  std::span<const float> obs(std::int64_t index) const;

  const ReplayShape &shape() const { return shape_; }
  /// Returns how many transitions were ever added.
  std::int64_t count() const { return count_; }
  /// Returns how many transitions can be drawn.
  std::int64_t size() const;
  /// Returns the bytes that the transitions occupy now.
  std::int64_t bytes() const;

  /// Writes what changed since the last call as segment files into a folder
  /// and returns the list of all that belong to the present contents (JSON
  /// text, with checksums). Names of new files are appended to `written`.
  ///
  /// Errors:  runtime::FileError; the contents in memory stay as they are.
  std::string save(const std::string &folder,
                   std::vector<std::string> &written);
  /// Makes the next save() write these files again: they were deleted.
  void forget(const std::vector<std::string> &files);
  /// Takes the contents that save() listed; on any error nothing changes.
  /// `checked` says that the sums are known to be right.
  ///
  /// Errors:  std::runtime_error with the file that is wrong.
  void load(const std::string &folder, const std::string &list,
            bool checked = false);

private:
  struct Place {
    const ReplaySegment *segment;
    std::int64_t at;
  };
  Place place(std::int64_t index) const;
  void prefetch(std::int64_t index) const;
  std::span<const float> successor(std::int64_t index, const Place &at) const;
  void grow();

  ReplayShape shape_;
  std::int64_t count_ = 0;
  std::int64_t first_segment_ = 0; // number of segments_.front()
  std::deque<std::unique_ptr<ReplaySegment>> segments_;
  std::vector<float> latest_obs_; // (n, O), successors of the last n
};

} // namespace phlox::rl
