// The counter-based generator of compiled programs, for draws on the host:
// every number is a function of (seed, step, stream name, element), nothing is
// stored.
#pragma once
#include <cstdint>
#include <string_view>

namespace phlox::rl {

struct Words {
  std::uint32_t x = 0, y = 0;
  bool operator==(const Words &) const = default;
};

/// Returns Threefry2x32-20 of a key and a counter.
///
/// Source:  Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3.
constexpr Words threefry2x32(Words key, Words counter) {
  constexpr int rotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const std::uint32_t keys[3] = {key.x, key.y, 0x1bd11bdau ^ key.x ^ key.y};
  std::uint32_t x = counter.x + keys[0], y = counter.y + keys[1];
  for (std::uint32_t round = 0; round < 20; ++round) {
    int by = rotations[round % 8];
    x += y;
    y = (y << by | y >> (32 - by)) ^ x;
    if (round % 4 == 3) {
      std::uint32_t turn = round / 4 + 1;
      x += keys[turn % 3];
      y += keys[(turn + 1) % 3] + turn;
    }
  }
  return {x, y};
}

/// Returns the FNV-1a hash that names a stream.
constexpr std::uint32_t fnv1a(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (char letter : name)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619u;
  return hash;
}

/// One stream at one step: element i has the same value wherever it is asked.
class Stream {
public:
  constexpr Stream(std::uint64_t seed, std::string_view name,
                   std::uint64_t step)
      : key_(threefry2x32(split(seed), split(step))), stream_(fnv1a(name)) {}

  /// Returns the 32 bits of element i, as compiled programs draw them.
  constexpr std::uint32_t bits(std::uint64_t i) const {
    Words pair = words((i >> 5) * 16 + (i & 15));
    return (i & 16) ? pair.y : pair.x;
  }
  /// Returns a number in (0, 1), exact in float.
  constexpr float uniform(std::uint64_t i) const {
    return static_cast<float>(bits(i) >> 8 | 1u) * 0x1p-24f;
  }
  /// Returns element i of a stream of whole numbers in [0, bound).
  ///
  /// Units:   64 random bits each, so that the bias is below bound / 2^64.
  constexpr std::uint64_t below(std::uint64_t i, std::uint64_t bound) const {
    Words pair = words(i);
    std::uint64_t bits = std::uint64_t{pair.y} << 32 | pair.x;
    return static_cast<std::uint64_t>(
        static_cast<unsigned __int128>(bits) * bound >> 64);
  }

private:
  static constexpr Words split(std::uint64_t value) {
    return {static_cast<std::uint32_t>(value),
            static_cast<std::uint32_t>(value >> 32)};
  }
  constexpr Words words(std::uint64_t counter) const {
    return threefry2x32(key_, {static_cast<std::uint32_t>(counter), stream_});
  }

  Words key_;
  std::uint32_t stream_;
};

} // namespace phlox::rl
