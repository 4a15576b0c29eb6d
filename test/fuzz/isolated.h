// Runs code that may crash or hang in a process of its own.
#pragma once
#include <functional>
#include <string>

namespace phlox::fuzz {

struct Outcome {
  std::string text;    ///< what the code returned or sent before it died
  std::string problem; ///< how it died, or what it threw; empty: it did not
};

/// Sends a part of the text at once, so that it arrives whatever follows.
using Send = std::function<void(const std::string &)>;

/// Runs `body` in a child process for `seconds` at most.
Outcome isolated(const std::function<void(const Send &)> &body,
                 unsigned seconds);

} // namespace phlox::fuzz
