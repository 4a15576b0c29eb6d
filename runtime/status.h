// Errors on their way to the C ABI: a status object, and the boundary that no
// exception crosses.
#pragma once
#include "phlox/runtime.h"
#include <source_location>
#include <stdexcept>
#include <string>

struct phlox_status {
  phlox_code code;
  std::string message;
  std::string source; // file:line of the runtime
};

namespace phlox::runtime {

/// Carries a code and a message to the C ABI.
class StatusError : public std::runtime_error {
public:
  StatusError(phlox_code code, const std::string &message,
              std::source_location at = std::source_location::current())
      : std::runtime_error(message), code(code), at(at) {}
  phlox_code code;
  std::source_location at;
};

/// Turns the exception in flight into a status; never throws.
///
/// Errors:  FileError becomes NOT_FOUND or SYSTEM, other runtime errors (bad
///          contents of files) CORRUPT, lack of memory SYSTEM.
phlox_status *status_of_exception() noexcept;

/// Runs code that may throw; null means that it did not.
template <class F> phlox_status *guarded(F &&code) noexcept {
  try {
    code();
    return nullptr;
  } catch (...) {
    return status_of_exception();
  }
}

/// Throws INVALID_ARGUMENT if an argument of the C ABI is null.
inline void require(const void *argument, const char *name,
                    std::source_location at = std::source_location::current()) {
  if (!argument)
    throw StatusError(PHLOX_INVALID_ARGUMENT,
                      std::string(name) + " must not be null: got null", at);
}

} // namespace phlox::runtime
