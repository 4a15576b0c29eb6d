#include "rl/trainer/text_log.h"
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <span>
#include <unistd.h>

namespace phlox::rl {
namespace {

// a closed pipe or a full disk loses the text, now, and ends no run
void put(int fd, std::string_view text) {
  try {
    runtime::write_exactly(fd, std::as_bytes(std::span(text)), "");
  } catch (const runtime::FileError &) {
  }
}

// one that takes the codes which clear a line
bool is_terminal() {
  const char *kind = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && kind && *kind &&
         std::string_view(kind) != "dumb";
}

} // namespace

TextLog::TextLog(Verbosity verbosity, bool progress)
    : verbosity_(verbosity), progress_(progress), terminal_(is_terminal()) {}

TextLog::~TextLog() { clear_progress(); }

void TextLog::attach(const std::string &path) {
  file_ = runtime::Descriptor(
      open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
}

void TextLog::record(std::string_view line) {
  if (file_.get() >= 0)
    put(file_.get(), fmt::format("{:%Y-%m-%dT%H:%M:%SZ} {}\n",
                                 fmt::gmtime(std::time(nullptr)), line));
}

void TextLog::clear_progress() {
  if (drawn_)
    put(STDOUT_FILENO, "\r\x1b[K");
  drawn_ = false;
}

void TextLog::say(std::string_view line) {
  record(line);
  if (verbosity_ == Verbosity::quiet)
    return;
  clear_progress();
  put(STDOUT_FILENO, fmt::format("{}\n", line));
}

void TextLog::warn(std::string_view line) {
  record(line);
  clear_progress();
  put(STDERR_FILENO, fmt::format("phlox: {}\n", line));
}

void TextLog::detail(std::string_view line) {
  if (verbosity_ == Verbosity::verbose)
    say(line);
}

void TextLog::progress(std::string_view line) {
  if (verbosity_ == Verbosity::quiet || !progress_)
    return;
  put(STDOUT_FILENO,
      terminal_ ? fmt::format("\r\x1b[K{}", line) : fmt::format("{}\n", line));
  drawn_ = terminal_;
}

} // namespace phlox::rl
