#include "runtime/file.h"
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace phlox::runtime {
namespace {

// larger requests are cut by the kernel anyway
constexpr std::size_t largest_request = std::size_t{1} << 30;

std::string folder_of(const std::string &path) {
  std::size_t slash = path.rfind('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void sync_folder(const std::string &path) {
  std::string folder = folder_of(path);
  Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0)
    throw FileError(folder, "open", errno);
  // some file systems have no sync for folders
  if (fsync(fd.get()) != 0 && errno != EINVAL && errno != ENOTSUP)
    throw FileError(folder, "sync", errno);
}

} // namespace

FileError::FileError(const std::string &path, const char *operation, int error)
    : std::runtime_error(path + ": cannot " + operation + ": " +
                         std::strerror(error)),
      error_(error) {}

Descriptor &Descriptor::operator=(Descriptor &&other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Descriptor::release() {
  int fd = fd_;
  fd_ = -1;
  return fd;
}

void Descriptor::reset() {
  if (fd_ >= 0)
    close(fd_);
  fd_ = -1;
}

Descriptor open_regular_file(const std::string &path, std::size_t &size) {
  // without O_NONBLOCK a pipe without a writer would hold us here
  Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0)
    throw FileError(path, "open", errno);
  struct stat about;
  if (fstat(fd.get(), &about) != 0)
    throw FileError(path, "stat", errno);
  if (!S_ISREG(about.st_mode))
    throw std::runtime_error(
        path + ": must be a regular file: got " +
        (S_ISDIR(about.st_mode) ? "a folder" : "a special file"));
  size = static_cast<std::size_t>(about.st_size);
  return fd;
}

void read_exactly(int fd, std::span<std::byte> into, const std::string &path) {
  std::size_t wanted = into.size();
  while (!into.empty()) {
    ssize_t got = read(fd, into.data(), std::min(into.size(), largest_request));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      throw FileError(path, "read", errno);
    if (got == 0)
      throw std::runtime_error(path + ": cut short: must hold " +
                               std::to_string(wanted) + " more bytes: got " +
                               std::to_string(wanted - into.size()));
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

void write_exactly(int fd, std::span<const std::byte> bytes,
                   const std::string &path) {
  while (!bytes.empty()) {
    ssize_t put =
        write(fd, bytes.data(), std::min(bytes.size(), largest_request));
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      throw FileError(path, "write", put < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

std::vector<std::byte> read_file(const std::string &path) {
  std::size_t size = 0;
  Descriptor fd = open_regular_file(path, size);
  std::vector<std::byte> bytes(size);
  read_exactly(fd.get(), bytes, path);
  return bytes;
}

AtomicFile::AtomicFile(const std::string &path) : path_(path), target_(path) {
  struct stat about;
  if (stat(path.c_str(), &about) == 0) {
    if (!S_ISREG(about.st_mode)) {
      fd_ = Descriptor(open(path.c_str(), O_WRONLY | O_CLOEXEC));
      if (fd_.get() < 0)
        throw FileError(path_, "open for writing", errno);
      return;
    }
    // a symbolic link stays and its target is replaced
    std::unique_ptr<char, void (*)(void *)> real(
        realpath(path.c_str(), nullptr), std::free);
    if (real)
      target_ = real.get();
  }
  static std::atomic<unsigned> counter{0};
  do {
    temporary_ = target_ + ".tmp-" + std::to_string(getpid()) + "-" +
                 std::to_string(counter++);
    fd_ = Descriptor(open(temporary_.c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  } while (fd_.get() < 0 && errno == EEXIST);
  if (fd_.get() < 0) {
    temporary_.clear();
    throw FileError(path_, "create", errno);
  }
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty())
    unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_exactly(fd_.get(), bytes, path_);
}

void AtomicFile::set_mode(unsigned mode) {
  if (fchmod(fd_.get(), mode) != 0)
    throw FileError(path_, "change permissions of", errno);
}

void AtomicFile::commit() {
  bool special = temporary_.empty();
  if (fsync(fd_.get()) != 0 && !(special && errno == EINVAL))
    throw FileError(path_, "sync", errno);
  if (close(fd_.release()) != 0)
    throw FileError(path_, "close", errno);
  if (special)
    return;
  if (rename(temporary_.c_str(), target_.c_str()) != 0)
    throw FileError(path_, "rename a temporary file to it", errno);
  temporary_.clear();
  sync_folder(target_);
}

void write_file_atomically(const std::string &path,
                           std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

} // namespace phlox::runtime
