#include "tools/phlox/output.h"
#include "rl/trainer/errors.h"
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdio_ext.h>
#include <unistd.h>

namespace phlox::tools {
namespace {

int lost = 0; // the first error of stdout

void flush() { // errno: of what was written before
  if (std::fflush(stdout) == 0 && !std::ferror(stdout))
    return;
  if (lost == 0 && errno != EPIPE) // who closes a pipe wants no more
    lost = errno != 0 ? errno : EIO;
  // what is lost is not tried again: a closed pipe would end the process
  __fpurge(stdout);
  std::clearerr(stdout);
}

} // namespace

void open_standard_files() {
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0) // open takes the lowest number that is free
        [[maybe_unused]]
      const int same = open("/dev/null", O_RDWR);
}

void warn(std::string_view line) {
  const std::string whole = "phlox: " + std::string(line) + "\n";
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

void show(std::string_view text) {
  errno = 0;
  std::fwrite(text.data(), 1, text.size(), stdout);
  flush();
}

std::string shell_word(const std::string &word) {
  constexpr std::string_view plain = "-_./=,:+@%";
  if (!word.empty() && std::ranges::all_of(word, [&](unsigned char c) {
        return std::isalnum(c) || plain.find(c) != plain.npos;
      }))
    return word;
  std::string quoted = "'";
  for (const char c : word)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void demand_place(std::string_view option, const std::filesystem::path &file) {
  std::error_code ignored;
  const auto parent = file.has_parent_path() ? file.parent_path() : ".";
  if (file.empty() || std::filesystem::is_directory(file, ignored) ||
      !std::filesystem::is_directory(parent, ignored))
    throw rl::UsageError(
        fmt::format("{} must name a file in a folder that exists: got '{}'",
                    option, file.string()));
}

std::string_view finish_output() {
  errno = 0;
  flush();
  return lost == 0 ? "" : std::strerror(lost);
}

} // namespace phlox::tools
