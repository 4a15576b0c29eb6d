// The inner loop of SHA-256, in two forms that give the same words.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace phlox::runtime {

using Sha256Words = std::array<std::uint32_t, 8>;

/// First 32 fractional bits of the cube roots of the first 64 primes.
extern const std::uint32_t sha256_round_constants[64];

/// Takes whole blocks of 64 bytes into the words.
void sha256_blocks_portable(Sha256Words &words, const std::byte *blocks,
                            std::size_t count);

/// The same with the processor's SHA instructions; does nothing and returns
/// false where it has none.
bool sha256_blocks_x86(Sha256Words &words, const std::byte *blocks,
                       std::size_t count);

} // namespace phlox::runtime
