// Tables that grow by rows and can be cut back to where a checkpoint was.
#pragma once
#include "runtime/file.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace phlox::rl {

/// Appends rows to a file. Rows that do not fit on the disk wait in memory and
/// are tried again with the next one.
class Csv {
public:
  /// Creates the file with its header, or, with an offset from a checkpoint,
  /// cuts it back to that many bytes. What somebody else did to it since costs
  /// no more than its rows: see complaint().
  ///
  /// Errors:  runtime::FileError.
  Csv(const std::string &path, const std::string &header,
      std::int64_t offset = -1);

  /// Returns the names of the columns, those of the file where it was resumed.
  const std::vector<std::string> &columns() const { return columns_; }

  /// Returns what is missing of a table that was cut back, empty if nothing.
  const std::string &complaint() const { return complaint_; }

  /// Appends one row; false if it could not be written yet.
  bool row(std::string_view text);
  /// Returns the bytes of header and rows, synced to the disk.
  ///
  /// Errors:  runtime::FileError if rows are still waiting.
  std::int64_t sync();

private:
  std::string whole_lines(std::int64_t offset);
  void flush();

  std::vector<std::string> columns_;
  std::string path_, waiting_, complaint_;
  runtime::Descriptor fd_;
  std::int64_t size_ = 0;
};

} // namespace phlox::rl
