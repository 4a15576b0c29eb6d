// What a run says: lines to log.txt and stderr, progress to stdout.
#pragma once
#include "runtime/file.h"
#include <string>
#include <string_view>

namespace phlox::rl {

enum class Verbosity { quiet, normal, verbose };

/// Writes each line to log.txt (once attached) and to the terminal. A line that
/// cannot be written is lost; the run goes on.
class TextLog {
public:
  explicit TextLog(Verbosity verbosity = Verbosity::normal,
                   bool progress = true);
  TextLog(const TextLog &) = delete;
  TextLog &operator=(const TextLog &) = delete;
  ~TextLog();

  /// Appends to a file from now on.
  void attach(const std::string &path);
  /// Says something once: stdout, unless quiet.
  void say(std::string_view line);
  /// Says something that went wrong: stderr, always.
  void warn(std::string_view line);
  /// Says something only with -v.
  void detail(std::string_view line);
  /// Shows progress: redrawn in place on a terminal, else a line.
  void progress(std::string_view line);
  bool on_terminal() const { return terminal_; }

private:
  void record(std::string_view line);
  void clear_progress();

  Verbosity verbosity_;
  bool progress_, terminal_, drawn_ = false;
  runtime::Descriptor file_;
};

} // namespace phlox::rl
