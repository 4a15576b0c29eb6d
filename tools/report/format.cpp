#include "tools/report/format.h"
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>

namespace phlox::report {

std::string json_text(std::string_view text) {
  std::string result;
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' ||
        c == '<' || c == '>' || c == '&')
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      result += c;
  return result;
}

std::string escape(std::string_view text) {
  std::string result;
  for (char c : text)
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    case '\'':
      result += "&#39;";
      break;
    default: // control characters have no place in a page
      result += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? ' ' : c;
    }
  return result;
}

std::string grouped(double value) {
  if (!std::isfinite(value) || std::abs(value) >= 1e15)
    return readable(value);
  std::string digits = fmt::format("{:.0f}", std::abs(value));
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(at, ",");
  return (value < 0 && digits != "0" ? "−" : "") + digits;
}

std::string readable(double value) {
  if (!std::isfinite(value))
    return std::isnan(value) ? "–" : value < 0 ? "−∞" : "∞";
  const double size = std::abs(value);
  if (size == 0)
    return "0";
  if (size >= 1e15 || size < 1e-4)
    return fmt::format("{:.3e}", value);
  if (size >= 1000)
    return grouped(value);
  const int digits = size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
  return (value < 0 ? "−" : "") + fmt::format("{:.{}f}", size, digits);
}

std::string compact(double value) {
  const double size = std::abs(value);
  auto with = [&](double unit, const char *letter) {
    return fmt::format("{:.4g}{}", value / unit, letter);
  };
  if (size >= 1e12 || (size < 1e-3 && size > 0))
    return fmt::format("{:.3g}", value);
  return size >= 1e9   ? with(1e9, "G")
         : size >= 1e6 ? with(1e6, "M")
         : size >= 1e3 ? with(1e3, "k")
                       : with(1, "");
}

std::string duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e12)
    return "–";
  if (seconds < 10)
    return fmt::format("{:.1f} s", seconds);
  const auto all = std::llround(seconds);
  if (all < 60)
    return fmt::format("{} s", all);
  if (all < 3600)
    return fmt::format("{} min {:02} s", all / 60, all % 60);
  return fmt::format("{} h {:02} min", all / 3600, all / 60 % 60);
}

std::string exact(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

} // namespace phlox::report
