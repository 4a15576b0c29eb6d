// TensorBoard event files: records with masked CRC-32C around protobuf events.
#pragma once
#include "runtime/file.h"
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace phlox::rl {

/// Returns CRC-32C (Castagnoli), as RFC 3720 defines it.
std::uint32_t crc32c(std::span<const std::byte> bytes);

/// Writes one event file. After a failed write it writes nothing more: a torn
/// record would hide what follows.
class EventWriter {
public:
  /// Opens a new file in a folder; `restart_step` >= 0 makes readers drop what
  /// earlier files of the folder hold from that step on.
  ///
  /// Units:   `start` seconds since 1970 at the run's second 0.
  /// Errors:  runtime::FileError.
  EventWriter(const std::string &folder, double start, double seconds,
              std::int64_t restart_step = -1);

  struct Scalar {
    std::string_view tag;
    double value;
  };
  void scalars(std::span<const Scalar> values, std::int64_t step,
               double seconds);
  /// Writes a text that TensorBoard shows as Markdown.
  void text(std::string_view tag, std::string_view markdown, std::int64_t step,
            double seconds);
  /// Returns why writing ended, empty while all is well.
  const std::string &failure() const { return failure_; }
  const std::string &path() const { return path_; }

private:
  void record(const std::string &event);

  std::string path_, failure_;
  runtime::Descriptor fd_;
  double start_;
};

/// One record of an event file, read back.
struct EventRecord {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string file_version;
  bool restart = false;
  std::vector<std::pair<std::string, float>> scalars;
  std::vector<std::pair<std::string, std::string>> texts;
};

/// Reads an event file, every checksum checked.
///
/// Errors:  std::runtime_error with path and byte.
std::vector<EventRecord> read_events(const std::string &path);

} // namespace phlox::rl
