#include "runtime/json_reader.h"
#include <stdexcept>

namespace phlox::runtime {
namespace {

void append_utf8(std::string &into, std::uint32_t code) {
  auto put = [&](std::uint32_t byte) { into += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
}

// for messages: untrusted text must not reach a terminal as it is
std::string printable(char c) {
  if (c >= 0x20 && c < 0x7f)
    return std::string("'") + c + "'";
  const char *digits = "0123456789abcdef";
  auto byte = static_cast<unsigned char>(c);
  return std::string("byte 0x") + digits[byte >> 4] + digits[byte & 15];
}

} // namespace

void JsonReader::refuse(const std::string &wanted) const {
  throw std::runtime_error(
      "header byte " + std::to_string(at_) + " must be " + wanted + ": got " +
      (at_ < text_.size() ? printable(text_[at_]) : "the header's end"));
}

void JsonReader::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' ||
                                text_[at_] == '\n' || text_[at_] == '\r'))
    ++at_;
}

void JsonReader::expect(char wanted) {
  if (!take(wanted))
    refuse(std::string("'") + wanted + "'");
}

bool JsonReader::take(char wanted) {
  skip_space();
  if (at_ == text_.size() || text_[at_] != wanted)
    return false;
  ++at_;
  return true;
}

std::uint32_t JsonReader::hex4() {
  std::uint32_t code = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    char c = at_ < text_.size() ? text_[at_] : '\0';
    std::uint32_t digit;
    if (c >= '0' && c <= '9')
      digit = c - '0';
    else if (c >= 'a' && c <= 'f')
      digit = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
      digit = c - 'A' + 10;
    else
      refuse("a hexadecimal digit");
    code = code * 16 + digit;
  }
  return code;
}

void JsonReader::escape(std::string &into) {
  constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
  if (at_ == text_.size())
    refuse("an escape");
  if (text_[at_] != 'u') {
    std::size_t found = names.find(text_[at_]);
    if (found == std::string_view::npos)
      refuse("an escape");
    into += values[found];
    ++at_;
    return;
  }
  ++at_;
  std::uint32_t code = hex4();
  if (code >= 0xd800 && code < 0xdc00) {
    if (text_.substr(at_, 2) != "\\u")
      refuse("the second half of a surrogate pair");
    at_ += 2;
    std::uint32_t low = hex4();
    if (low < 0xdc00 || low >= 0xe000)
      refuse("preceded by the second half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (code >= 0xdc00 && code < 0xe000) {
    refuse("preceded by a whole surrogate pair");
  }
  append_utf8(into, code);
}

std::string JsonReader::string() {
  expect('"');
  std::string result;
  std::size_t start = at_;
  while (true) {
    if (at_ == text_.size())
      refuse("'\"'");
    char c = text_[at_];
    if (static_cast<unsigned char>(c) < 0x20)
      refuse("a printable character");
    if (c == '"')
      break;
    ++at_;
    if (c == '\\')
      escape(result);
    else
      result += c;
  }
  if (!is_utf8(result)) {
    at_ = start;
    refuse("the start of UTF-8 text");
  }
  ++at_;
  return result;
}

std::int64_t JsonReader::whole_number() {
  skip_space();
  std::size_t start = at_;
  auto digit = [&] {
    return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9';
  };
  if (!digit())
    refuse("a whole number");
  std::int64_t value = 0;
  for (; digit(); ++at_)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, text_[at_] - '0', &value)) {
      at_ = start;
      refuse("a whole number below 2^63");
    }
  if (text_[start] == '0' && at_ - start > 1) {
    at_ = start;
    refuse("a whole number without leading zeros");
  }
  return value;
}

void JsonReader::finish() {
  skip_space();
  if (at_ != text_.size())
    refuse("the header's end");
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = lead < 0x80    ? 1
                         : lead >= 0xf0 ? 4
                         : lead >= 0xe0 ? 3
                         : lead >= 0xc2 ? 2
                                        : 0;
    if (length == 0 || lead > 0xf4 || i + length > text.size())
      return false;
    std::uint32_t code = length == 1 ? lead : lead & (0x7f >> length);
    for (std::size_t k = 1; k < length; ++k) {
      auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80)
        return false;
      code = code << 6 | (next & 63);
    }
    // no longer form than needed, no surrogate, nothing beyond Unicode
    if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) ||
        (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
      return false;
    i += length;
  }
  return true;
}

std::string json_quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20) {
      result += "\\u00";
      result += "0123456789abcdef"[byte >> 4];
      result += "0123456789abcdef"[byte & 15];
    } else {
      result += c;
    }
  }
  return result + '"';
}

} // namespace phlox::runtime
