// A strict reader for the small part of JSON that safetensors headers use:
// objects, strings and arrays of whole numbers.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace phlox::runtime {

/// Walks over JSON text; every step checks what it consumes.
///
/// Errors:  all members throw std::runtime_error: the byte, what must stand
///          there, what was got.
class JsonReader {
public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  /// Skips white space and consumes one character.
  void expect(char wanted);
  /// Consumes the character if it comes next.
  bool take(char wanted);
  /// Reads a string: valid UTF-8, escapes resolved.
  std::string string();
  /// Reads a whole number from 0 to 2^63 - 1.
  std::int64_t whole_number();
  /// Demands that only white space is left.
  void finish();
  /// Reads `{ "key": value, ... }`, calling value(key) for each.
  template <class F> void object(F &&value) {
    expect('{');
    if (take('}'))
      return;
    do {
      std::string key = string();
      expect(':');
      value(key);
    } while (take(','));
    expect('}');
  }
  /// Reads `[ item, ... ]`, calling item() for each.
  template <class F> void array(F &&item) {
    expect('[');
    if (take(']'))
      return;
    do
      item();
    while (take(','));
    expect(']');
  }

private:
  [[noreturn]] void refuse(const std::string &wanted) const;
  void skip_space();
  std::uint32_t hex4();
  void escape(std::string &into);

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Tells whether text is well-formed UTF-8.
bool is_utf8(std::string_view text);

/// Returns text as a JSON string with quotes.
std::string json_quoted(std::string_view text);

} // namespace phlox::runtime
