#include "runtime/sha256.h"
#include "runtime/sha256_blocks.h"
#include <algorithm>
#include <bit>
#include <cstring>

namespace phlox::runtime {

const std::uint32_t sha256_round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

namespace {

std::uint32_t load_big_endian(const std::byte *at) {
  return std::to_integer<std::uint32_t>(at[0]) << 24 |
         std::to_integer<std::uint32_t>(at[1]) << 16 |
         std::to_integer<std::uint32_t>(at[2]) << 8 |
         std::to_integer<std::uint32_t>(at[3]);
}

void compress(Sha256Words &words, const std::byte *block) {
  std::uint32_t w[64];
  for (int i = 0; i < 16; ++i)
    w[i] = load_big_endian(block + 4 * i);
  for (int i = 16; i < 64; ++i) {
    std::uint32_t s0 =
        std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
    std::uint32_t s1 =
        std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = words;
  for (int i = 0; i < 64; ++i) {
    std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    std::uint32_t t1 =
        h + s1 + ((e & f) ^ (~e & g)) + sha256_round_constants[i] + w[i];
    std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1;
    d = c, c = b, b = a, a = t1 + t2;
  }
  const std::uint32_t mixed[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i)
    words[i] += mixed[i];
}

void take_blocks(Sha256Words &words, const std::byte *blocks,
                 std::size_t count) {
  if (!sha256_blocks_x86(words, blocks, count))
    sha256_blocks_portable(words, blocks, count);
}

} // namespace

void sha256_blocks_portable(Sha256Words &words, const std::byte *blocks,
                            std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    compress(words, blocks + 64 * i);
}

Sha256 &Sha256::update(std::span<const std::byte> bytes) {
  total_ += bytes.size();
  // whole blocks are read where they lie, only remainders are copied
  while (!bytes.empty()) {
    if (pending_size_ == 0 && bytes.size() >= 64) {
      std::size_t blocks = bytes.size() / 64;
      take_blocks(words_, bytes.data(), blocks);
      bytes = bytes.subspan(64 * blocks);
      continue;
    }
    std::size_t taken = std::min(bytes.size(), 64 - pending_size_);
    std::memcpy(pending_.data() + pending_size_, bytes.data(), taken);
    pending_size_ += taken;
    bytes = bytes.subspan(taken);
    if (pending_size_ == 64) {
      take_blocks(words_, pending_.data(), 1);
      pending_size_ = 0;
    }
  }
  return *this;
}

Sha256Digest Sha256::finish() {
  // a one bit, zeros up to 56 modulo 64, then the length in bits
  std::uint64_t bits = total_ * 8;
  std::array<std::byte, 72> tail{};
  tail[0] = std::byte{0x80};
  std::size_t zeros = (pending_size_ < 56 ? 56 : 120) - pending_size_;
  for (int i = 0; i < 8; ++i)
    tail[zeros + i] = static_cast<std::byte>(bits >> (56 - 8 * i));
  update(std::span(tail).first(zeros + 8));
  Sha256Digest digest;
  for (int i = 0; i < 32; ++i)
    digest[i] = static_cast<std::uint8_t>(words_[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

Sha256Digest sha256(std::span<const std::byte> bytes) {
  return Sha256().update(bytes).finish();
}

std::string to_hex(const Sha256Digest &digest) {
  std::string text;
  for (std::uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

} // namespace phlox::runtime
