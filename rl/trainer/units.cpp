#include "rl/trainer/units.h"
#include "rl/trainer/errors.h"
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace phlox::rl {
namespace {

constexpr std::string_view letters = "dhms"; // each once, in this order
constexpr double seconds_of[] = {86400, 3600, 60, 1};

} // namespace

std::string amount(std::int64_t bytes) {
  auto value = static_cast<double>(bytes);
  const char *unit = "bytes";
  for (const char *next : {"kB", "MB", "GB", "TB"}) {
    if (value < 1000)
      break;
    value /= 1000;
    unit = next;
  }
  return *unit == 'b'
             ? fmt::format("{} bytes", bytes)
             : fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, unit);
}

std::string duration(double seconds) {
  auto s = static_cast<std::int64_t>(seconds);
  if (s >= 3600)
    return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
  return s >= 60 ? fmt::format("{}m{:02}s", s / 60, s % 60)
                 : fmt::format("{}s", s);
}

double parse_duration(std::string_view text, std::string_view what) {
  const auto refuse = [&] {
    return UsageError(fmt::format("{} must be seconds or a duration such as "
                                  "3h50m: got '{}'",
                                  what, text));
  };
  double total = 0;
  std::size_t least = 0; // the next unit must be a smaller one
  const char *at = text.data(), *end = at + text.size();
  if (at == end)
    throw refuse();
  while (at != end) {
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !std::isfinite(value) || value < 0)
      throw refuse();
    if (next == end) { // bare seconds, alone
      if (at != text.data())
        throw refuse();
      return value;
    }
    const std::size_t unit = letters.find(*next, least);
    if (unit == letters.npos)
      throw refuse();
    total += value * seconds_of[unit];
    least = unit + 1;
    at = next + 1;
  }
  return total;
}

} // namespace phlox::rl
