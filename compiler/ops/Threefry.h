// The counter-based generator behind all noise, on the host.
// Source: Salmon, Moraes, Dror and Shaw 2011 (Threefry2x32, 20 rounds).
#pragma once
#include "llvm/ADT/StringRef.h"
#include <bit>
#include <cstdint>

namespace phlox {

struct WordPair {
  uint32_t first, second;
  bool operator==(const WordPair &) const = default;
};

/// Encrypts a counter: a key word is added after every fourth round.
inline WordPair threefry(WordPair key, WordPair counter) {
  constexpr int rotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const uint32_t words[3] = {key.first, key.second,
                             key.first ^ key.second ^ 0x1BD11BDAu};
  uint32_t x = counter.first + words[0], y = counter.second + words[1];
  for (uint32_t round = 0; round < 20; ++round) {
    x += y;
    y = std::rotl(y, rotations[round % 8]) ^ x;
    if (round % 4 == 3) {
      uint32_t group = round / 4 + 1;
      x += words[group % 3];
      y += words[(group + 1) % 3] + group;
    }
  }
  return {x, y};
}

/// Hashes a stream's full name: FNV-1a, 32 bits.
inline uint32_t streamHash(llvm::StringRef name) {
  uint32_t hash = 2166136261u;
  for (unsigned char letter : name)
    hash = (hash ^ letter) * 16777619u;
  return hash;
}

/// Makes the key of one call.
inline WordPair stepKey(uint64_t seed, uint64_t step) {
  return threefry({uint32_t(seed), uint32_t(seed >> 32)},
                  {uint32_t(step), uint32_t(step >> 32)});
}

/// Draws the bits of element i: 32 elements are 16 first and 16 second words.
inline uint32_t drawBits(WordPair key, uint32_t stream, uint64_t i) {
  WordPair words =
      threefry(key, {uint32_t(i >> 5) * 16 + uint32_t(i & 15), stream});
  return i & 16 ? words.second : words.first;
}

/// Maps bits to (0, 1): 2^23 values, exact in f32 and symmetric about 1/2.
inline double uniformOf(uint32_t bits) {
  return double(bits >> 8 | 1) * 0x1p-24;
}

} // namespace phlox
