// TOML of configurations and run folders, which anybody may have written.
#pragma once
#include <string_view>
#include <toml++/toml.h>

namespace phlox::rl {

/// The most parts of a dotted key: the library makes a table of each, and
/// leaves them by recursion, which more would let overflow.
inline constexpr int most_key_parts = 64;

/// Parses TOML.
///
/// Errors:  toml::parse_error if it is none, or a key has more parts.
toml::table parse_toml(std::string_view text);

} // namespace phlox::rl
