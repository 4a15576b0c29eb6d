#include "rl/trainer/checkpoint.h"
#include "rl/json.h"
#include "runtime/file.h"
#include "runtime/sha256.h"
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <stdio.h>
#include <unistd.h>

namespace phlox::rl {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using runtime::FileError;

std::string name_of(std::int64_t step) { return fmt::format("{:09}", step); }

bool is_step(const fs::path &path) {
  std::string name = path.filename().string();
  return name.size() >= 9 && std::all_of(name.begin(), name.end(), [](char c) {
           return c >= '0' && c <= '9';
         });
}

// the folders of checkpoints, newest first
std::vector<fs::path> steps_in(const fs::path &parent) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto &entry : fs::directory_iterator(parent, error))
    if (is_step(entry.path()))
      folders.push_back(entry.path());
  // a longer name is a larger number
  std::sort(folders.begin(), folders.end(), [](const auto &a, const auto &b) {
    std::string x = a.filename().string(), y = b.filename().string();
    return x.size() != y.size() ? x.size() > y.size() : x > y;
  });
  return folders;
}

void sync_folder(const fs::path &folder) {
  runtime::Descriptor fd(
      open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0)
    throw FileError(folder.string(), "open", errno);
  // some file systems have no sync for folders
  if (fsync(fd.get()) != 0 && errno != EINVAL && errno != ENOTSUP)
    throw FileError(folder.string(), "sync", errno);
}

void make_folder(const fs::path &folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw FileError(folder.string(), "create folder", error.value());
}

void remove_quietly(const fs::path &path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

std::string sum_of(const fs::path &path, std::uint64_t &bytes) {
  std::vector<std::byte> content = runtime::read_file(path.string());
  bytes = content.size();
  return runtime::to_hex(runtime::sha256(content));
}

struct Sum {
  std::string sum, name;
  std::uint64_t bytes = 0;
};

std::string sum_line(const Sum &row) {
  return fmt::format("{}  {}  {}\n", row.sum, row.bytes, row.name);
}

void write_sums(const fs::path &folder) {
  std::vector<fs::path> files;
  for (const auto &entry : fs::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string text;
  for (const fs::path &file : files) {
    std::uint64_t bytes = 0;
    std::string sum = sum_of(file, bytes);
    text += sum_line({sum, file.filename().string(), bytes});
  }
  write_text(folder / "SUMS", text);
}

// puts a complete folder in its place, in one step where one is there already
void publish(const fs::path &temporary, const fs::path &place) {
  sync_folder(temporary);
  std::error_code error;
  if (fs::exists(place, error)) {
    if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, place.c_str(),
                  RENAME_EXCHANGE) == 0) {
      remove_quietly(temporary);
    } else { // a file system without exchange
      remove_quietly(place);
      fs::rename(temporary, place, error);
    }
  } else {
    fs::rename(temporary, place, error);
  }
  if (error)
    throw FileError(place.string(), "rename a folder to it", error.value());
  sync_folder(place.parent_path());
}

// file name and SHA-256 of each segment that a checkpoint lists
std::map<std::string, std::string> segments_of(const fs::path &checkpoint) {
  std::map<std::string, std::string> sums;
  std::error_code error;
  if (!fs::exists(checkpoint / "replay.json", error))
    return sums;
  json list = read_json(checkpoint / "replay.json");
  for (const json &row : list.at("segments"))
    sums[row.at("file").get<std::string>()] =
        row.at("sha256").get<std::string>();
  return sums;
}

void check_file(const fs::path &path, const std::string &sum,
                std::optional<std::uint64_t> bytes = {}) {
  std::error_code error;
  if (std::uint64_t got = fs::file_size(path, error);
      bytes && !error && got != *bytes)
    throw std::runtime_error(fmt::format("{}: must have {} bytes: got {}",
                                         path.string(), *bytes, got));
  std::uint64_t read = 0;
  std::string got = sum_of(path, read);
  if (got != sum)
    throw std::runtime_error(
        fmt::format("{}: SHA-256 must be {}: got {}", path.string(), sum, got));
}

// the rows of SUMS, which must be a whole one: written last, so a cut one is
// no list of what is there
std::vector<Sum> read_sums(const fs::path &folder) {
  const std::string path = (folder / "SUMS").string();
  const std::string text = read_text(path);
  std::istringstream lines(text);
  std::vector<Sum> rows;
  std::string again;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    Sum row;
    if (!(fields >> row.sum >> row.bytes >> row.name) ||
        row.name.find('/') != row.name.npos)
      throw std::runtime_error(fmt::format(
          "{}: line must be sum, bytes and name: got '{}'", path, line));
    again += sum_line(row);
    rows.push_back(std::move(row));
  }
  if (again != text)
    throw std::runtime_error(fmt::format(
        "{}: lines must be two spaces between sum, bytes and name: got others",
        path));
  // the last in the order of names
  if (rows.empty() || rows.back().name != "trainer.json")
    throw std::runtime_error(
        fmt::format("{}: must list trainer.json: got none", path));
  return rows;
}

} // namespace

std::string read_text(const fs::path &path) {
  std::vector<std::byte> bytes = runtime::read_file(path.string());
  return std::string(reinterpret_cast<const char *>(bytes.data()),
                     bytes.size());
}

json read_json(const fs::path &path) {
  json found = parse_json(read_text(path));
  if (found.is_discarded())
    throw std::runtime_error(
        fmt::format("{}: must be JSON of at most {} levels: got other text",
                    path.string(), deepest_json));
  return found;
}

void write_text(const fs::path &path, std::string_view text) {
  runtime::write_file_atomically(path.string(), std::as_bytes(std::span(text)));
}

void verify_files(const fs::path &folder) {
  for (const Sum &row : read_sums(folder))
    check_file(folder / row.name, row.sum, row.bytes);
}

void verify_checkpoint(const fs::path &folder, const fs::path &segments) {
  verify_files(folder);
  for (const auto &[name, sum] : segments_of(folder))
    check_file(segments / name, sum);
}

fs::path
newest_checkpoint(const fs::path &checkpoints,
                  const std::function<void(const fs::path &)> &check,
                  const std::function<void(const std::string &line)> &say,
                  std::vector<fs::path> *refused) {
  int damaged = 0;
  for (const fs::path &folder : steps_in(checkpoints)) {
    try {
      check(folder);
      return folder;
    } catch (const std::exception &error) {
      say(fmt::format("checkpoint {} is damaged, going to the one before: {}",
                      folder.filename().string(), error.what()));
      ++damaged;
      if (refused)
        refused->push_back(folder);
    }
  }
  // to begin anew would delete what may still be of use
  if (damaged > 0)
    throw std::runtime_error(
        fmt::format("{}: must hold an intact checkpoint: got {} damaged",
                    checkpoints.string(), damaged));
  return {};
}

Checkpoints::Checkpoints(const fs::path &run, int keep, TextLog &log)
    : folder_(run / "checkpoints"), keep_(std::max(1, keep)), log_(log) {}

void Checkpoints::write(std::int64_t step, const Fill &fill, Replay *replay) {
  fs::path temporary = folder_ / (".tmp-" + name_of(step));
  std::vector<std::string> written;
  try {
    make_folder(segments());
    remove_quietly(temporary);
    make_folder(temporary);
    fill(temporary);
    if (replay)
      write_text(temporary / "replay.json", replay->save(segments(), written));
    write_sums(temporary);
    publish(temporary, folder_ / name_of(step));
  } catch (...) {
    remove_quietly(temporary);
    if (replay)
      replay->forget(written);
    for (const std::string &name : written)
      remove_quietly(fs::path(segments()) / name);
    throw;
  }
  write_text(folder_ / "LATEST", name_of(step) + "\n");
  prune();
}

void Checkpoints::write_best(const Fill &fill) {
  fs::path temporary = folder_ / ".tmp-best";
  try {
    make_folder(folder_);
    remove_quietly(temporary);
    make_folder(temporary);
    fill(temporary);
    write_sums(temporary);
    publish(temporary, folder_ / "best");
  } catch (...) {
    remove_quietly(temporary);
    throw;
  }
}

std::vector<fs::path> Checkpoints::all() const { return steps_in(folder_); }

void Checkpoints::prune() {
  std::set<std::string> kept;
  try {
    std::vector<fs::path> folders = all();
    for (std::size_t i = 0; i < folders.size(); ++i)
      if (i < static_cast<std::size_t>(keep_))
        for (const auto &[name, sum] : segments_of(folders[i]))
          kept.insert(name);
      else
        remove_quietly(folders[i]);
    for (const auto &entry : fs::directory_iterator(segments()))
      if (!kept.contains(entry.path().filename().string()))
        remove_quietly(entry.path());
    for (const auto &entry : fs::directory_iterator(folder_)) {
      std::string name = entry.path().filename().string();
      if (name.starts_with(".tmp-") || name.starts_with("damaged-") ||
          name.find(".tmp-") != std::string::npos)
        remove_quietly(entry.path());
    }
  } catch (const std::exception &error) {
    // what is left over costs space, nothing else
    log_.warn(fmt::format("old checkpoints are kept: {}", error.what()));
  }
}

fs::path Checkpoints::newest() {
  std::vector<fs::path> damaged;
  fs::path found = newest_checkpoint(
      folder_,
      [this](const fs::path &one) { verify_checkpoint(one, segments()); },
      [this](const std::string &line) { log_.warn(line); }, &damaged);
  std::error_code ignored;
  for (const fs::path &one : damaged)
    fs::rename(one, folder_ / ("damaged-" + one.filename().string()), ignored);
  return found;
}

} // namespace phlox::rl
