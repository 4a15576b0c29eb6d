// Reading and writing of checkpoint bytes, in the machine's byte order.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace phlox::envs {

/// Returns the 64-bit FNV-1a hash of bytes.
inline std::uint64_t hash_bytes(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::byte byte : bytes)
    hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3u;
  return hash;
}

/// Appends numbers and strings to a list of bytes.
class ByteWriter {
public:
  template <class T> void number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    numbers(std::span<const T>(&value, 1));
  }
  template <class T> void numbers(std::span<const T> values) {
    const auto bytes = std::as_bytes(values);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void text(std::string_view value) {
    number(static_cast<std::uint64_t>(value.size()));
    numbers(std::span<const char>(value));
  }
  const std::vector<std::byte> &bytes() const { return bytes_; }

private:
  std::vector<std::byte> bytes_;
};

/// Takes numbers and strings from bytes that nobody vouches for.
///
/// Errors:  std::runtime_error where the bytes end too early.
class ByteReader {
public:
  explicit ByteReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <class T> T number() {
    T value;
    numbers(std::span<T>(&value, 1));
    return value;
  }
  template <class T> void numbers(std::span<T> into) {
    static_assert(std::is_arithmetic_v<T>);
    const auto from = take(into.size_bytes());
    if (!from.empty())
      std::memcpy(into.data(), from.data(), from.size());
  }
  std::string text() {
    const auto size = number<std::uint64_t>();
    const auto from = take(size);
    return {reinterpret_cast<const char *>(from.data()), from.size()};
  }
  std::size_t left() const { return rest_.size(); }

private:
  std::span<const std::byte> take(std::uint64_t size) {
    if (size > rest_.size())
      throw std::runtime_error(
          "environment state must be whole: it is cut off");
    const auto taken = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(static_cast<std::size_t>(size));
    return taken;
  }

  std::span<const std::byte> rest_;
};

} // namespace phlox::envs
