// Random numbers of the environments: Threefry2x32-20 (Salmon et al. 2011),
// counter-based, so that a draw depends on nothing but its place.
#pragma once
#include <cmath>
#include <cstdint>
#include <string_view>

namespace phlox::envs {

/// Two words of output, or a key.
struct Words {
  std::uint32_t first, second;
};

/// Returns the block of Threefry2x32-20 at a counter.
///
/// Source:  Salmon, Moraes, Dror and Shaw 2011, section 4.2; known answers in
///          test/envs/random_test.cpp.
constexpr Words threefry(Words key, Words counter) {
  constexpr int rotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const std::uint32_t keys[3] = {key.first, key.second,
                                 0x1bd11bdau ^ key.first ^ key.second};
  std::uint32_t x = counter.first + keys[0], y = counter.second + keys[1];
  for (std::uint32_t round = 0; round < 20; ++round) {
    const int by = rotations[round % 8];
    x += y;
    y = (y << by | y >> (32 - by)) ^ x;
    if (round % 4 == 3) {
      const std::uint32_t injection = round / 4 + 1;
      x += keys[injection % 3];
      y += keys[(injection + 1) % 3] + injection;
    }
  }
  return {x, y};
}

/// Returns the 32-bit FNV-1a hash of a name.
constexpr std::uint32_t hash_name(std::string_view name) {
  std::uint32_t hash = 0x811c9dc5u;
  for (const char letter : name)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x01000193u;
  return hash;
}

/// Draws the noise of one episode of one environment.
///
/// Its numbers depend on (seed, purpose, environment, episode) and on how many
/// were drawn before, on nothing else. position() is all there is to store.
class Stream {
public:
  Stream(std::uint64_t seed, std::string_view purpose,
         std::uint32_t environment, std::uint64_t episode,
         std::uint64_t position = 0)
      : key_(threefry(threefry(split(seed), {hash_name(purpose), environment}),
                      split(episode))),
        position_(position) {}

  /// Returns how many words of 64 bits were drawn.
  std::uint64_t position() const { return position_; }

  std::uint64_t bits() {
    const Words words = threefry(key_, split(position_++));
    return std::uint64_t{words.second} << 32 | words.first;
  }

  /// Returns a multiple of 2^-53 in [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  /// Returns a number in [low, high).
  double uniform(double low, double high) {
    return low + (high - low) * uniform();
  }

  /// Returns a standard normal number (Box and Muller 1958, the cosine half).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(6.283185307179586477 * uniform());
  }

private:
  static constexpr Words split(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word),
            static_cast<std::uint32_t>(word >> 32)};
  }

  Words key_;
  std::uint64_t position_;
};

} // namespace phlox::envs
