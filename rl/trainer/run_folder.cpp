#include "rl/trainer/run_folder.h"
#include "rl/trainer/errors.h"
#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/file.h>
#include <unistd.h>
#include <vector>

namespace phlox::rl {
namespace {

namespace fs = std::filesystem;
using runtime::FileError;

bool is_run(const fs::path &path) {
  std::error_code ignored;
  return fs::exists(path / "config.toml", ignored) ||
         fs::exists(path / "checkpoints", ignored);
}

// LATEST may be missing where a run was killed right after its first one
bool has_checkpoint(const fs::path &run) {
  std::error_code error;
  for (const auto &entry : fs::directory_iterator(run / "checkpoints", error)) {
    std::string name = entry.path().filename().string();
    if (name == "LATEST" || (!name.empty() && std::isdigit(name.front())))
      return true;
  }
  return false;
}

std::vector<fs::path> runs_in(const fs::path &parent) {
  std::vector<fs::path> runs;
  std::error_code error;
  for (const auto &entry : fs::directory_iterator(parent, error))
    if (is_run(entry.path()))
      runs.push_back(entry.path());
  return runs;
}

// removes what a killed trainer was about to rename
void sweep(const fs::path &run) {
  std::error_code error;
  for (const fs::path &folder : {run, run / "videos"})
    for (const auto &entry : fs::directory_iterator(folder, error))
      if (entry.path().filename().string().find(".tmp-") != std::string::npos)
        fs::remove(entry.path(), error);
}

std::string owner() {
  char host[256] = "unknown host";
  gethostname(host, sizeof host - 1);
  return fmt::format("{} {}\n", host, getpid());
}

std::string first_line(int fd) {
  char text[300] = {};
  ssize_t got = pread(fd, text, sizeof text - 1, 0);
  std::string_view line(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  return std::string(line.substr(0, line.find('\n')));
}

// a task of a plug-in, PATH.so:ID, is its id in a folder's name
std::string_view folder_part(std::string_view env) {
  return env.substr(env.find_last_of("/:") + 1);
}

} // namespace

std::string run_name(std::string_view env, std::string_view algorithm,
                     std::uint64_t seed, std::time_t start) {
  return fmt::format("{}__{}__{}__{:%Y%m%d-%H%M%S}", folder_part(env),
                     algorithm, seed, fmt::gmtime(start));
}

bool is_unbegun_run(const fs::path &path) {
  std::error_code ignored;
  return !is_run(path) && fs::exists(path / ".lock", ignored);
}

fs::path find_run(const fs::path &path) {
  if (is_run(path))
    return path;
  std::vector<fs::path> runs = runs_in(path);
  if (runs.size() != 1)
    throw UsageError(fmt::format(
        "{}: must be a run folder or hold exactly one: got {}", path.string(),
        fs::exists(path) ? fmt::format("{} runs", runs.size())
                         : "no such folder"));
  return runs.front();
}

fs::path latest_run(const fs::path &parent, std::string_view env,
                    std::string_view algorithm, std::uint64_t seed) {
  std::string prefix =
      fmt::format("{}__{}__{}__", folder_part(env), algorithm, seed);
  fs::path newest;
  for (const fs::path &run : runs_in(parent)) {
    // the rest of the name is the date, so names sort by time
    if (run.filename().string().starts_with(prefix) && has_checkpoint(run) &&
        run.filename() > newest.filename())
      newest = run;
  }
  return newest;
}

RunFolder RunFolder::create(const fs::path &parent, const std::string &name) {
  fs::path path = parent / name;
  std::error_code error;
  fs::create_directories(parent, error);
  if (error)
    throw FileError(parent.string(), "create folder", error.value());
  bool made = fs::create_directory(path, error);
  if (error)
    throw FileError(path.string(), "create folder", error.value());
  if (!made)
    throw UsageError(fmt::format("{}: must be a new folder unless --resume is "
                                 "given: got one that exists",
                                 path.string()));
  try {
    return RunFolder(path, false);
  } catch (...) { // a full disk: the name stays free
    fs::remove_all(path, error);
    throw;
  }
}

RunFolder RunFolder::open(const fs::path &folder) {
  return RunFolder(folder, true);
}

RunFolder::RunFolder(fs::path path, bool resumed)
    : path_(std::move(path)), resumed_(resumed) {
  std::string lock = file(".lock");
  lock_ = runtime::Descriptor(
      ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (lock_.get() < 0)
    throw FileError(lock, "open", errno);
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      throw FileError(lock, "lock", errno);
    throw std::runtime_error(fmt::format(
        "{}: must have no other trainer at work (host, process): got {}",
        path_.string(), first_line(lock_.get())));
  }
  sweep(path_);
  std::string text = owner();
  if (ftruncate(lock_.get(), 0) != 0)
    throw FileError(lock, "cut", errno);
  runtime::write_exactly(lock_.get(), std::as_bytes(std::span(text)), lock);
}

} // namespace phlox::rl
