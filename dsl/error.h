// What the DSL throws on a mistake of the program that uses it.
#pragma once
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace phlox {

/// Formats a line of source as "flame.cpp:41:12".
std::string format_location(std::source_location at);

/// A mistake in the use of the DSL, found where it was made.
class Error : public std::runtime_error {
public:
  /// Makes the text "flame.cpp:41:12: error: WHAT".
  Error(std::source_location at, std::string_view what);
  std::source_location where() const { return at_; }

private:
  std::source_location at_;
};

} // namespace phlox
