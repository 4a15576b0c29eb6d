#include "rl/trainer/text_log.h"
#include <chrono>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

namespace phlox::rl {
namespace {

// unlike fmt::print, never throws: a closed pipe must not end a run
void put(std::FILE *file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

} // namespace

TextLog::TextLog(Verbosity verbosity, bool progress)
    : verbosity_(verbosity), progress_(progress),
      terminal_(isatty(STDOUT_FILENO) == 1) {}

TextLog::~TextLog() {
  clear_progress();
  if (file_)
    std::fclose(file_);
}

void TextLog::attach(const std::string &path) {
  if (file_)
    std::fclose(file_);
  file_ = std::fopen(path.c_str(), "ae");
}

void TextLog::record(std::string_view line) {
  if (file_)
    put(file_, fmt::format("{:%Y-%m-%dT%H:%M:%SZ} {}\n",
                           fmt::gmtime(std::time(nullptr)), line));
}

void TextLog::clear_progress() {
  if (drawn_)
    put(stdout, "\r\x1b[K");
  drawn_ = false;
}

void TextLog::say(std::string_view line) {
  record(line);
  if (verbosity_ == Verbosity::quiet)
    return;
  clear_progress();
  put(stdout, fmt::format("{}\n", line));
}

void TextLog::warn(std::string_view line) {
  record(line);
  clear_progress();
  put(stderr, fmt::format("phlox: {}\n", line));
}

void TextLog::detail(std::string_view line) {
  if (verbosity_ == Verbosity::verbose)
    say(line);
}

void TextLog::progress(std::string_view line) {
  if (verbosity_ == Verbosity::quiet || !progress_)
    return;
  put(stdout,
      terminal_ ? fmt::format("\r\x1b[K{}", line) : fmt::format("{}\n", line));
  drawn_ = terminal_;
}

} // namespace phlox::rl
