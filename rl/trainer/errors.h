// Errors that the command line tells apart by exit status.
#pragma once
#include <stdexcept>

namespace phlox::rl {

/// Says that the request itself is wrong: exit status 2. Everything else that
/// derives from std::exception is a failure: exit status 1.
class UsageError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace phlox::rl
