// Which checkpoint of a run a reader means.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

namespace phlox::rl {

/// Returns the folder of the checkpoint "last", "best" or of an env step, its
/// arena checked against SUMS. "last" is the newest whose arena is intact,
/// whatever LATEST says; `say` gets one line for each that is not. Nothing is
/// written, so that a trainer may be at work there.
///
/// Errors:  UsageError for a name that is none or not there;
///          std::runtime_error for damage, or if there is no checkpoint yet.
std::filesystem::path
find_checkpoint(const std::filesystem::path &run, const std::string &wanted,
                const std::function<void(const std::string &line)> &say);

} // namespace phlox::rl
