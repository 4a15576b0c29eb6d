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
  int mode = offset < 0 ? O_CREAT | O_TRUNC : 0;
  fd_ =
      runtime::Descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC | mode, 0666));
  if (fd_.get() < 0)
    throw FileError(path, "open for writing", errno);
  if (offset < 0) {
    waiting_ = header + "\n";
    flush();
    return;
  }
  struct stat about;
  if (fstat(fd_.get(), &about) != 0)
    throw FileError(path, "stat", errno);
  if (about.st_size < offset)
    throw std::runtime_error(
        fmt::format("{}: must hold the {} bytes that the checkpoint counted: "
                    "got {}",
                    path, offset, about.st_size));
  std::string first(static_cast<std::size_t>(offset), '\0');
  runtime::read_exactly(fd_.get(), std::as_writable_bytes(std::span(first)),
                        path);
  columns_ = split(std::string_view(first).substr(0, first.find('\n')));
  size_ = offset;
  if (ftruncate(fd_.get(), offset) != 0)
    throw FileError(path, "cut", errno);
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
