// Bytes and seconds as people write them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace phlox::rl {

/// Returns bytes as "8.2 kB", "64 MB" or "1.5 GB" (powers of ten).
std::string amount(std::int64_t bytes);

/// Returns seconds as "9s", "4m02s" or "3h50m".
std::string duration(double seconds);

/// Reads "3h50m", "90s", "1d12h", "5m30s" or a number of seconds.
///
/// Errors:  UsageError beginning with `what`.
double parse_duration(std::string_view text, std::string_view what);

} // namespace phlox::rl
