// Numbers and names as a page shows them.
#pragma once
#include <string>
#include <string_view>

namespace phlox::report {

/// Returns text that is safe inside quotes of JSON inside a page.
std::string json_text(std::string_view text);
/// Returns text that is safe in HTML and in quoted attributes.
std::string escape(std::string_view text);
/// Returns a whole number in groups of three digits: 1,000,000.
std::string grouped(double value);
/// Returns a number to read: 4 significant digits, grouped above 1000; "–" for
/// NaN.
std::string readable(double value);
/// Returns a number short enough for an axis: 12k, 1.5M, 0.02, 3e-7.
std::string compact(double value);
/// Returns 1 h 02 min, 3 min 10 s, 4.2 s.
std::string duration(double seconds);
/// Returns all digits of a number as JSON, null if it is not finite.
std::string exact(double value);

} // namespace phlox::report
