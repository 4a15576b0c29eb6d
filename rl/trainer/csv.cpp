#include "rl/trainer/csv.h"
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <span>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace phlox::rl {

using runtime::FileError;

namespace {

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> cells;
  while (!line.empty()) {
    std::size_t comma = std::min(line.find(','), line.size());
    cells.emplace_back(line.substr(0, comma));
    line.remove_prefix(std::min(comma + 1, line.size()));
  }
  return cells;
}

} // namespace

Csv::Csv(const std::string &path, const std::string &header,
         std::int64_t offset)
    : columns_(split(header)), path_(path) {
  fd_ = runtime::Descriptor(
      open(path.c_str(), O_RDWR | O_CLOEXEC | O_CREAT, 0666));
  if (fd_.get() < 0)
    throw FileError(path, "open for writing", errno);
  std::string whole;
  if (offset >= 0)
    whole = whole_lines(offset);
  if (ftruncate(fd_.get(), static_cast<off_t>(whole.size())) != 0)
    throw FileError(path, "cut", errno);
  size_ = static_cast<std::int64_t>(whole.size());
  if (whole.empty()) {
    waiting_ = header + "\n";
    flush();
    return;
  }
  std::string_view first = std::string_view(whole).substr(0, whole.find('\n'));
  if (first.ends_with('\r')) // an editor of another system was there
    first.remove_suffix(1);
  columns_ = split(first);
}

// what is there of the bytes that a checkpoint counted, up to the end of a line
std::string Csv::whole_lines(std::int64_t offset) {
  struct stat about;
  if (fstat(fd_.get(), &about) != 0)
    throw FileError(path_, "stat", errno);
  const std::int64_t there = about.st_size;
  std::string text(static_cast<std::size_t>(std::min(there, offset)), '\0');
  runtime::read_exactly(fd_.get(), std::as_writable_bytes(std::span(text)),
                        path_);
  text.resize(text.rfind('\n') + 1); // 0 where there is no line
  if (const auto kept = static_cast<std::int64_t>(text.size()); kept != offset)
    complaint_ =
        fmt::format("{} must hold whole rows in the {} bytes that the "
                    "checkpoint counted: got {} bytes, of which {} are "
                    "kept",
                    path_, offset, there, kept);
  return text;
}

void Csv::flush() {
  if (waiting_.empty())
    return;
  // a write that failed half-way is overwritten by the next try
  if (lseek(fd_.get(), size_, SEEK_SET) < 0)
    throw FileError(path_, "seek in", errno);
  try {
    runtime::write_exactly(fd_.get(), std::as_bytes(std::span(waiting_)),
                           path_);
  } catch (...) {
    if (ftruncate(fd_.get(), size_) != 0)
      throw FileError(path_, "cut", errno);
    throw;
  }
  size_ += static_cast<std::int64_t>(waiting_.size());
  waiting_.clear();
}

bool Csv::row(std::string_view text) {
  waiting_.append(text);
  waiting_.push_back('\n');
  try {
    flush();
  } catch (const FileError &) {
    return false;
  }
  return true;
}

std::int64_t Csv::sync() {
  flush();
  if (fdatasync(fd_.get()) != 0)
    throw FileError(path_, "sync", errno);
  return size_;
}

} // namespace phlox::rl
