// What a verb says. Files and devices behind stdout and stderr may be full or
// gone: that ends no work that is under way.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace phlox::tools {

/// Opens /dev/null where the process got no stdin, stdout or stderr, so that no
/// other file takes their numbers.
void open_standard_files();

/// Writes "phlox: LINE" to stderr, or loses it.
void warn(std::string_view line);

/// Writes text to stdout and flushes it, or loses it: finish_output() knows.
void show(std::string_view text);

/// Returns a word as a shell takes it, in quotes where it needs them.
std::string shell_word(const std::string &word);

/// Demands a path that a file can be written at, before the work for it.
///
/// Errors:  rl::UsageError with the option's name.
void demand_place(std::string_view option, const std::filesystem::path &file);

/// Flushes stdout and returns why something of it was lost, empty if nothing.
std::string_view finish_output();

} // namespace phlox::tools
