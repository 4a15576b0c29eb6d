// Reading files whole, and replacing them so that a reader sees the old bytes
// or the new ones and nothing between.
#pragma once
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace phlox::runtime {

/// Says that the operating system refused a file operation.
class FileError : public std::runtime_error {
public:
  FileError(const std::string &path, const char *operation, int error);
  /// Returns the errno value.
  int error() const { return error_; }

private:
  int error_;
};

/// Owns a file descriptor.
class Descriptor {
public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor &&other) noexcept : fd_(other.release()) {}
  Descriptor &operator=(Descriptor &&other) noexcept;
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  int release();
  void reset();

private:
  int fd_;
};

/// Opens a regular file for reading and tells its size in bytes.
///
/// Errors:  FileError; std::runtime_error if it is not a regular file.
Descriptor open_regular_file(const std::string &path, std::size_t &size);

/// Reads exactly `into.size()` bytes from the descriptor's position.
///
/// Errors:  FileError; std::runtime_error if the file ends before.
void read_exactly(int fd, std::span<std::byte> into, const std::string &path);

/// Writes all bytes at the descriptor's position.
///
/// Errors:  FileError.
void write_exactly(int fd, std::span<const std::byte> bytes,
                   const std::string &path);

/// Returns all bytes of a regular file.
///
/// Errors:  as open_regular_file and read_exactly.
std::vector<std::byte> read_file(const std::string &path);

/// Replaces a file in one step: the bytes go to a temporary file in the same
/// folder, which commit() syncs and renames. A device or a pipe is written to
/// directly. Without commit() the temporary file vanishes.
///
/// Errors:  FileError with the errno text and the path; the old file is intact.
class AtomicFile {
public:
  explicit AtomicFile(const std::string &path);
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;
  ~AtomicFile();
  void write(std::span<const std::byte> bytes);
  /// Sets the permission bits; without it the process's umask decides.
  void set_mode(unsigned mode);
  void commit();

private:
  std::string path_, target_, temporary_;
  Descriptor fd_;
};

/// Replaces a file by the given bytes in one step.
///
/// Errors:  as AtomicFile.
void write_file_atomically(const std::string &path,
                           std::span<const std::byte> bytes);

} // namespace phlox::runtime
