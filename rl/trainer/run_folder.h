// The folder of one run: its name, its lock, its files.
#pragma once
#include "runtime/file.h"
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <string>
#include <string_view>

namespace phlox::rl {

/// Returns env__algorithm__seed__YYYYMMDD-HHMMSS (UTC).
std::string run_name(std::string_view env, std::string_view algorithm,
                     std::uint64_t seed, std::time_t start);

/// Returns the folder itself if it is a run, or the one run inside it.
///
/// Errors:  UsageError if there is none or more than one.
std::filesystem::path find_run(const std::filesystem::path &path);

/// Tells whether a trainer made this folder and was killed before it could say
/// what runs there.
bool is_unbegun_run(const std::filesystem::path &path);

/// Returns the newest run with a checkpoint among the runs of `parent` that
/// have this environment, algorithm and seed; empty if there is none.
std::filesystem::path latest_run(const std::filesystem::path &parent,
                                 std::string_view env,
                                 std::string_view algorithm,
                                 std::uint64_t seed);

/// A run folder that this process alone writes to.
class RunFolder {
public:
  /// Makes parent/name.
  ///
  /// Errors:  UsageError if it exists; runtime::FileError.
  static RunFolder create(const std::filesystem::path &parent,
                          const std::string &name);
  /// Takes over an existing run.
  ///
  /// Errors:  std::runtime_error naming host and process of a trainer that is
  ///          at work there; runtime::FileError.
  static RunFolder open(const std::filesystem::path &folder);

  const std::filesystem::path &path() const { return path_; }
  std::string file(std::string_view name) const {
    return (path_ / name).string();
  }
  /// Returns true if the run existed before this process.
  bool resumed() const { return resumed_; }

private:
  RunFolder(std::filesystem::path path, bool resumed);
  std::filesystem::path path_;
  bool resumed_;
  runtime::Descriptor lock_;
};

} // namespace phlox::rl
