// SHA-256 (FIPS 180-4), for artifact trailers and checkpoint sums.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace phlox::runtime {

using Sha256Digest = std::array<std::uint8_t, 32>;

/// Hashes a stream of bytes piece by piece.
///
/// Source:  FIPS 180-4, section 6.2.
class Sha256 {
public:
  Sha256 &update(std::span<const std::byte> bytes);
  /// Returns the digest; the object must not be used afterwards.
  Sha256Digest finish();

private:
  std::array<std::uint32_t, 8> words_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                         0xa54ff53a, 0x510e527f, 0x9b05688c,
                                         0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> pending_{};
  std::size_t pending_size_ = 0;
  std::uint64_t total_ = 0; // bytes
};

/// Returns the digest of one block of bytes.
Sha256Digest sha256(std::span<const std::byte> bytes);

/// Returns 64 lower-case hexadecimal digits.
std::string to_hex(const Sha256Digest &digest);

} // namespace phlox::runtime
