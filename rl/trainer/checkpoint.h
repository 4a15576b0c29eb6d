// Checkpoint folders: written whole or not at all, checked when read.
#pragma once
#include "rl/replay/replay.h"
#include "rl/trainer/text_log.h"
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace phlox::rl {

/// The checkpoints of one run folder, oldest first on disk by their number.
///
/// Layout:  checkpoints/LATEST names the newest; each folder checkpoints/STEP
///          lists its files with size and SHA-256 in SUMS, written last;
///          checkpoints/segments holds replay files that several share.
class Checkpoints {
public:
  Checkpoints(const std::filesystem::path &run, int keep, TextLog &log);

  using Fill = std::function<void(const std::filesystem::path &folder)>;

  /// Writes a checkpoint: `fill` puts files into a temporary folder, which is
  /// synced, renamed and then named in LATEST. Old ones are deleted after that.
  ///
  /// Errors:  what `fill` throws, runtime::FileError; then nothing of this
  ///          checkpoint is left and the one before is intact.
  void write(std::int64_t step, const Fill &fill, Replay *replay);
  /// The same for checkpoints/best, without replay: for evaluation only.
  void write_best(const Fill &fill);

  /// Returns the newest checkpoint whose sums are right, empty if there is
  /// none; says one line for each that is damaged and sets it aside.
  ///
  /// Errors:  std::runtime_error if all are damaged; then all stay in place.
  std::filesystem::path newest();

  /// Tells whether there is one, damaged or not.
  bool any() const { return !all().empty(); }

  const std::filesystem::path &folder() const { return folder_; }
  std::string segments() const { return (folder_ / "segments").string(); }

private:
  std::vector<std::filesystem::path> all() const;
  void prune();

  std::filesystem::path folder_;
  int keep_;
  TextLog &log_;
};

/// Returns the newest of the folders checkpoints/STEP for which `check` throws
/// nothing, empty if there is none; tells `say` one line for each of the
/// others. Nothing is written.
///
/// Errors:  std::runtime_error if `check` refused all.
std::filesystem::path newest_checkpoint(
    const std::filesystem::path &checkpoints,
    const std::function<void(const std::filesystem::path &)> &check,
    const std::function<void(const std::string &line)> &say,
    std::vector<std::filesystem::path> *refused = nullptr);

/// Checks a checkpoint folder against its SUMS, and the replay segments that it
/// lists, if any, against their sums.
///
/// Errors:  std::runtime_error naming the file that is wrong.
void verify_checkpoint(const std::filesystem::path &folder,
                       const std::filesystem::path &segments);

/// Checks all files of a checkpoint folder against its SUMS, but no replay
/// segments, which no policy is read from.
///
/// Errors:  std::runtime_error naming the file that is wrong.
void verify_files(const std::filesystem::path &folder);

/// Returns a file as text.
std::string read_text(const std::filesystem::path &path);
/// Returns a file of JSON.
///
/// Errors:  std::runtime_error naming it if it holds none, or too deep a one.
nlohmann::json read_json(const std::filesystem::path &path);
/// Replaces a file by a text in one step, synced.
void write_text(const std::filesystem::path &path, std::string_view text);

} // namespace phlox::rl
